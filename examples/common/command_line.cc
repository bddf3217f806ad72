#include "examples/common/command_line.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <map>

#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/flags/usage.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace examples {
namespace {

std::string program_name = "program";

std::string FolderOf(const std::string& file) { return file.substr(0, file.rfind('/') + 1); }

// Abseil's own --help ends with exit code 1 and leaves out flags of other files.
void PrintHelp(const std::string& about, const std::string& folder) {
  absl::PrintF("%s\n\nFlags:\n", about);
  std::map<std::string, const absl::CommandLineFlag*> flags;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (absl::StrContains(flag->Filename(), folder)) flags[std::string(name)] = flag;
  }
  for (const auto& [name, flag] : flags) {
    const std::string value = flag->DefaultValue();
    absl::PrintF("  --%s%s\n      %s\n", name, value.empty() ? "" : absl::StrCat("=", value),
                 flag->Help());
  }
  absl::PrintF("  --version\n      print the version and exit\n");
}

// InvalidArgument for "--name=" and "--name ''" (an unset shell variable, as a rule), which Abseil
// takes for a flag that was not given where there is a default.
absl::Status CheckValues(int argc, char** argv) {
  for (int i = 1; i < argc && absl::string_view(argv[i]) != "--"; ++i) {
    absl::string_view name = argv[i];
    if (!absl::ConsumePrefix(&name, "-")) continue;
    absl::ConsumePrefix(&name, "-");
    const bool next_is_empty = i + 1 < argc && argv[i + 1][0] == '\0';
    if (!absl::ConsumeSuffix(&name, "=") && !next_is_empty) continue;
    if (absl::FindCommandLineFlag(name) == nullptr) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--", name, " has no value; give one, or leave the flag out, see --help"));
  }
  return absl::OkStatus();
}

}  // namespace

void StartProgram(const std::string& path) {
  // A file over the user's size limit is then an error of the write that reports it, instead of the
  // end of the program.
  signal(SIGXFSZ, SIG_IGN);
  program_name = path.substr(path.rfind('/') + 1);
}

std::string ProgramName() { return program_name; }

bool HasArgument(int argc, char** argv, const std::string& name) {
  return std::any_of(argv + 1, argv + argc, [&](const std::string& argument) {
    return argument == "-" + name || argument == "--" + name;
  });
}

void PrintVersion() { absl::PrintF("%s %s\n", program_name, kVersion); }

std::optional<int> ParseFlags(int argc, char** argv, const std::string& about) {
  // Abseil ends a program that sets it twice.
  static const bool set = [&about] {
    absl::SetProgramUsageMessage(about);
    return true;
  }();
  static_cast<void>(set);
  if (absl::Status status = CheckValues(argc, argv); !status.ok()) return Fail(status);
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("'", rest[1], "' is not a flag; flags look like --name=value, see --help")));
  }
  return std::nullopt;
}

std::optional<int> ParseCommandLine(int argc, char** argv, const std::string& about,
                                    const std::string& file) {
  StartProgram(argv[0]);
  if (HasArgument(argc, argv, "help") || HasArgument(argc, argv, "h")) {
    PrintHelp(about, FolderOf(file));
    return 0;
  }
  if (HasArgument(argc, argv, "version")) {
    PrintVersion();
    return 0;
  }
  return ParseFlags(argc, argv, about);
}

std::string Alternatives(const std::vector<std::string>& names) {
  std::string list;
  for (size_t i = 0; i < names.size(); ++i) {
    absl::StrAppend(&list, i == 0 ? "" : i + 1 == names.size() ? " or " : ", ", names[i]);
  }
  return list;
}

absl::Status OneOf(const std::string& flag, const std::string& value,
                   const std::vector<std::string>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " is '", value, "', expected ", Alternatives(allowed)));
}

absl::Status InRange(const std::string& flag, double value, double low, double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  const std::string range = high == std::numeric_limits<double>::max()
                                ? absl::StrCat(low, " or more")
                                : absl::StrFormat("%.15g to %.15g", low, high);
  return absl::InvalidArgumentError(absl::StrCat(flag, " is ", value, ", expected ", range));
}

int Fail(const absl::Status& status, int code) {
  absl::FPrintF(stderr, "%s: %s\n", program_name, std::string(status.message()));
  return code;
}

}  // namespace examples
