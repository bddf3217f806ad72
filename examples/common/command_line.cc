#include "examples/common/command_line.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>

#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/common/paths.h"

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

// A trace's path is meant as those of flags are. One that cannot be written is an error now rather
// than at the end of the work, when the trace would be lost.
absl::Status ResolveTrace() {
  constexpr char kTrace[] = "AUTOGRAD_TRACE";
  const char* text = std::getenv(kTrace);
  if (text == nullptr || *text == '\0') return absl::OkStatus();
  const std::string path = ResolvePath(text);
  setenv(kTrace, path.c_str(), /*overwrite=*/1);
  if (std::ofstream(path, std::ios::app)) return absl::OkStatus();
  unsetenv(kTrace);
  return absl::InvalidArgumentError(absl::StrCat(kTrace, ": cannot write ", path));
}

// Gives flags their values. InvalidArgument for the first argument that is wrong. Abseil's parser
// would end the program, with the exit code of a failure, and takes "--name=" and "--name ''" (an
// unset shell variable, as a rule) for a flag that was not given where there is a default.
absl::Status SetFlags(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.size() < 2 || argument[0] != '-') {
      return absl::InvalidArgumentError(
          absl::StrCat("'", argument, "' is not a flag; flags look like --name=value, see --help"));
    }
    absl::CommandLineFlag* flag = FlagOf(argument);
    const size_t equals = argument.find('=');
    if (flag == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no flag ", argument.substr(0, equals), ", see --help"));
    }
    const std::string name(flag->Name());
    std::string value, error;
    if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (flag->IsOfType<bool>()) {
      value = absl::EndsWith(argument, absl::StrCat("-no", name)) ? "false" : "true";
    } else if (i + 1 < argc) {
      value = argv[++i];
    }
    if (value.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " has no value; give one, or leave the flag out, see --help"));
    }
    if (!flag->ParseFrom(value, &error)) return absl::InvalidArgumentError(error);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StartProgram(const std::string& path) {
  // A file over the user's size limit is then an error of the write that reports it, instead of the
  // end of the program.
  signal(SIGXFSZ, SIG_IGN);
  program_name = path.substr(path.rfind('/') + 1);
  return ResolveTrace();
}

std::string ProgramName() { return program_name; }

bool HasArgument(int argc, char** argv, const std::string& name) {
  return std::any_of(argv + 1, argv + argc, [&](const std::string& argument) {
    return argument == "-" + name || argument == "--" + name;
  });
}

void PrintVersion() { absl::PrintF("%s %s\n", program_name, kVersion); }

absl::CommandLineFlag* FlagOf(const std::string& argument) {
  if (argument.size() < 2 || argument[0] != '-') return nullptr;
  const size_t begin = argument[1] == '-' ? 2 : 1, equals = argument.find('=');
  const std::string name = argument.substr(begin, equals - begin);
  absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
  if (flag != nullptr || equals != std::string::npos || !absl::StartsWith(name, "no")) return flag;
  flag = absl::FindCommandLineFlag(name.substr(2));
  return flag != nullptr && flag->IsOfType<bool>() ? flag : nullptr;
}

std::optional<int> ParseFlags(int argc, char** argv) {
  const absl::Status status = SetFlags(argc, argv);
  return status.ok() ? std::nullopt : std::optional<int>(Fail(status));
}

std::optional<int> ParseCommandLine(int argc, char** argv, const std::string& about,
                                    const std::string& file) {
  if (absl::Status status = StartProgram(argv[0]); !status.ok()) return Fail(status);
  if (HasArgument(argc, argv, "help") || HasArgument(argc, argv, "h")) {
    PrintHelp(about, FolderOf(file));
    return 0;
  }
  if (HasArgument(argc, argv, "version")) {
    PrintVersion();
    return 0;
  }
  return ParseFlags(argc, argv);
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
