// Command lines of the example programs, on Abseil's flags. commands.h is for programs of several
// commands.
//
// Example:
//   // ABSL_FLAG(int, iterations, 10000, "number of training steps");
//   // int main(int argc, char** argv) {
//   //   if (auto code = examples::ParseCommandLine(argc, argv, "Trains ...", __FILE__)) return *code;
//   //   ...
//   std::cout << examples::OneOf("--schedule", "linear", {"constant", "cosine"}) << "\n";
#ifndef EXAMPLES_COMMON_COMMAND_LINE_H_
#define EXAMPLES_COMMON_COMMAND_LINE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/flags/commandlineflag.h"
#include "absl/status/status.h"

namespace examples {

inline constexpr char kVersion[] = "0.1.0";

// Exit codes: for what cannot be done as it was asked for (a wrong flag, a file that is missing or
// holds something else, a folder that cannot be made), before anything was written; and for a
// failure on the way.
inline constexpr int kMisuse = 2;
inline constexpr int kFailure = 1;

// Parses flags. Returns an exit code if the program has nothing left to do: 0 after --help (which
// prints `about` and the flags defined in the folder of `file`) and --version, kMisuse after a line
// about an argument that is no flag, an unknown flag or a value that cannot be read.
std::optional<int> ParseCommandLine(int argc, char** argv, const std::string& about,
                                    const std::string& file);

// The parts of ParseCommandLine. StartProgram comes first: it keeps the program's name, for errors,
// makes a file over the user's size limit an error of the write, and resolves the path in
// AUTOGRAD_TRACE as that of a flag (paths.h); an error if that cannot be written. ParseFlags parses
// and returns an exit code as above. FlagOf is the flag an argument names ("--steps=50", "-steps",
// "--nouse_ema"), or null.
absl::Status StartProgram(const std::string& path);
std::string ProgramName();
bool HasArgument(int argc, char** argv, const std::string& name);  // -name or --name
void PrintVersion();
std::optional<int> ParseFlags(int argc, char** argv);
absl::CommandLineFlag* FlagOf(const std::string& argument);

// "a, b or c".
std::string Alternatives(const std::vector<std::string>& names);
// OK if `value` is one of the allowed ones; otherwise InvalidArgument: "--flag is 'value', expected
// a, b or c".
absl::Status OneOf(const std::string& flag, const std::string& value,
                   const std::vector<std::string>& allowed);
// OK if low <= value <= high (and finite); otherwise InvalidArgument naming flag, value and range.
absl::Status InRange(const std::string& flag, double value, double low, double high);

// Prints "<program>: <message>" and returns `code`, for main to return.
int Fail(const absl::Status& status, int code = kMisuse);

}  // namespace examples

#endif  // EXAMPLES_COMMON_COMMAND_LINE_H_
