#include "benchmarks/program.h"

#include <exception>
#include <new>
#include <optional>
#include <stdexcept>

#include "absl/status/status.h"
#include "examples/common/command_line.h"

namespace benchmarks {

int RunProgram(int argc, char** argv, const std::string& about, const std::function<void()>& work) {
  const std::optional<int> code = examples::ParseCommandLine(argc, argv, about, __FILE__);
  return code.has_value() ? *code : ExitCodeOf(work);
}

int ExitCodeOf(const std::function<void()>& work) {
  try {
    work();
    return 0;
  } catch (const std::invalid_argument& error) {
    return examples::Fail(absl::InvalidArgumentError(error.what()));
  } catch (const std::bad_alloc&) {
    return examples::Fail(absl::ResourceExhaustedError("not enough memory"), examples::kFailure);
  } catch (const std::exception& error) {
    return examples::Fail(absl::InternalError(error.what()), examples::kFailure);
  }
}

}  // namespace benchmarks
