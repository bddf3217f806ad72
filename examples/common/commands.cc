#include "examples/common/commands.h"

#include <algorithm>
#include <string_view>

#include "absl/flags/reflection.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "examples/common/command_line.h"

namespace examples {
namespace {

std::string CommandNames(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  return Alternatives(names);
}

void PrintProgramHelp(const std::string& about, const std::vector<Command>& commands) {
  absl::PrintF("%s\n\nCommands:\n", about);
  for (const Command& command : commands) {
    absl::PrintF("  %s\n      %s\n", command.name, command.about);
  }
  absl::PrintF("\n'%s COMMAND --help' lists the command's flags; --version prints the version.\n",
               ProgramName());
}

void PrintCommandHelp(const Command& command) {
  absl::PrintF("%s %s: %s\n\nFlags:\n", ProgramName(), command.name, command.about);
  for (const CommandFlag& entry : command.flags) {
    const absl::CommandLineFlag* flag = absl::FindCommandLineFlag(entry.name);
    const bool bare = entry.value.empty() || entry.value == "false";
    absl::PrintF("  --%s%s\n      %s\n", entry.name, bare ? "" : absl::StrCat("=", entry.value),
                 entry.help.empty() ? flag->Help() : entry.help);
  }
}

bool Takes(const Command& command, std::string_view flag) {
  return std::any_of(command.flags.begin(), command.flags.end(),
                     [flag](const CommandFlag& entry) { return entry.name == flag; });
}

// Notes the flags that were typed; InvalidArgument for one that is not the command's.
absl::Status NoteFlags(int argc, char** argv, const std::vector<Command>& commands,
                       const Command& command, std::set<std::string>& given) {
  for (int i = 2; i < argc; ++i) {
    const absl::CommandLineFlag* flag = FlagOf(argv[i]);
    if (flag == nullptr) continue;
    const std::string name(flag->Name());
    if (Takes(command, name)) {
      given.insert(name);
      continue;
    }
    std::vector<std::string> owners;
    for (const Command& other : commands) {
      if (Takes(other, name)) owners.push_back(other.name);
    }
    return absl::InvalidArgumentError(
        absl::StrCat("--", name, " is not a flag of ", command.name,
                     owners.empty() ? "" : absl::StrCat(" but of ", absl::StrJoin(owners, " and ")),
                     "; see ", command.name, " --help"));
  }
  return absl::OkStatus();
}

}  // namespace

CommandLine ParseCommands(int argc, char** argv, const std::string& about,
                          const std::vector<Command>& commands) {
  CommandLine result;
  if (absl::Status status = StartProgram(argv[0]); !status.ok()) {
    result.exit_code = Fail(status);
    return result;
  }
  const std::string_view first = argc > 1 ? argv[1] : "";
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [first](const Command& each) { return each.name == first; });
  const bool help = HasArgument(argc, argv, "help") || HasArgument(argc, argv, "h");
  if (!help && HasArgument(argc, argv, "version")) {
    PrintVersion();
    result.exit_code = 0;
    return result;
  }
  if (command == commands.end() && help) {
    PrintProgramHelp(about, commands);
    result.exit_code = 0;
    return result;
  }
  if (command == commands.end()) {
    const std::string what =
        argc < 2 ? "no command is given" : absl::StrCat("'", argv[1], "' is not a command");
    result.exit_code = Fail(absl::InvalidArgumentError(absl::StrCat(
        what, "; expected ", CommandNames(commands), ", then its flags (see --help)")));
    return result;
  }
  if (help) {
    PrintCommandHelp(*command);
    result.exit_code = 0;
    return result;
  }
  result.command = command->name;
  if (absl::Status status = NoteFlags(argc, argv, commands, *command, result.given); !status.ok()) {
    result.exit_code = Fail(status);
    return result;
  }
  for (const CommandFlag& entry : command->flags) {
    std::string error;
    absl::FindCommandLineFlag(entry.name)->ParseFrom(entry.value, &error);
  }
  result.exit_code = ParseFlags(argc - 1, argv + 1);
  return result;
}

}  // namespace examples
