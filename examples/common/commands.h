// A program of several commands, each with flags of its own: `mnist train --epochs=1`.
//
// The flags are Abseil's and declared once, without a default; a table says which command takes
// which of them, and what each is there if it is not given. A flag of another command is refused.
//
// Example:
//   // ABSL_FLAG(examples::NumberFlag<int64_t>, steps, {}, "steps of the solver");
//   const std::vector<examples::Command> commands = {
//       {"train", "learns", {{"epochs", "40"}, {"seed", "0"}}},
//       {"sample", "draws", {{"steps", "50"}, {"seed", "0"}}}};
//   // int main(int argc, char** argv) {
//   //   const auto line = examples::ParseCommands(argc, argv, "Digits.", commands);
//   //   if (line.exit_code) return *line.exit_code;
//   //   if (line.command == "train") ...
#ifndef EXAMPLES_COMMON_COMMANDS_H_
#define EXAMPLES_COMMON_COMMANDS_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace examples {

struct CommandFlag {
  std::string name;
  std::string value;      // without the flag, as it would be typed; "" for an absent one
  std::string help = {};  // what it means here; "" for the flag's own text
};

struct Command {
  std::string name;
  std::string about;  // one line
  std::vector<CommandFlag> flags;
};

struct CommandLine {
  // Set if the program has nothing left to do: 0 after --help and --version, kMisuse
  // (command_line.h) after a line about what is wrong.
  std::optional<int> exit_code;
  std::string command;
  std::set<std::string> given;  // the flags that were typed
};

// Reads `program command --flag=value ...` and gives the command's flags their values. `--help`
// prints `about` and the commands, `command --help` the command's flags.
CommandLine ParseCommands(int argc, char** argv, const std::string& about,
                          const std::vector<Command>& commands);

}  // namespace examples

#endif  // EXAMPLES_COMMON_COMMANDS_H_
