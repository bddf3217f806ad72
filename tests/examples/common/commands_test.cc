#include "examples/common/commands.h"

#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "examples/common/list_flag.h"
#include "examples/common/number_flag.h"
#include "gtest/gtest.h"

ABSL_FLAG(examples::NumberFlag<int64_t>, epochs, {}, "passes over the data");
ABSL_FLAG(examples::ListFlag<int64_t>, steps, {}, "steps of the solver");
ABSL_FLAG(bool, fast, false, "hurry");
ABSL_FLAG(std::string, nobody, "", "a flag of no command");

namespace examples {
namespace {

const std::vector<Command>& Table() {
  static const std::vector<Command>& table = *new std::vector<Command>{
      {"train", "learns", {{"epochs", "40"}, {"fast", "false"}}},
      {"sample", "draws", {{"steps", "50"}}},
      {"eval", "judges", {{"steps", "10,50", "numbers of steps to try"}, {"fast", "true"}}}};
  return table;
}

struct Result {
  CommandLine line;
  std::string out, err;
};

Result Start(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "/some/where/digits");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Result result;
  result.line =
      ParseCommands(static_cast<int>(arguments.size()), argv.data(), "Draws digits.", Table());
  result.out = testing::internal::GetCapturedStdout();
  result.err = testing::internal::GetCapturedStderr();
  return result;
}

std::string Refusal(const std::vector<std::string>& arguments) {
  const Result result = Start(arguments);
  EXPECT_EQ(result.line.exit_code, 2) << result.out;
  EXPECT_EQ(result.out, "");
  return result.err;
}

TEST(CommandsTest, DefaultsAreThoseOfTheCommand) {
  Result result = Start({"sample"});
  EXPECT_FALSE(result.line.exit_code.has_value());
  EXPECT_EQ(result.line.command, "sample");
  EXPECT_TRUE(result.line.given.empty());
  EXPECT_EQ(absl::GetFlag(FLAGS_steps).values, (std::vector<int64_t>{50}));
  Start({"eval"});
  EXPECT_EQ(absl::GetFlag(FLAGS_steps).values, (std::vector<int64_t>{10, 50}));
  EXPECT_TRUE(absl::GetFlag(FLAGS_fast));
}

TEST(CommandsTest, GivenFlagsReplaceThemAndAreNoted) {
  Result result = Start({"train", "--epochs=2", "--fast"});
  EXPECT_FALSE(result.line.exit_code.has_value());
  EXPECT_EQ(result.line.given, (std::set<std::string>{"epochs", "fast"}));
  EXPECT_EQ(absl::GetFlag(FLAGS_epochs).value, 2);
  EXPECT_TRUE(absl::GetFlag(FLAGS_fast));
  EXPECT_EQ(Start({"train", "-epochs", "3"}).line.given, (std::set<std::string>{"epochs"}));
  EXPECT_EQ(absl::GetFlag(FLAGS_epochs).value, 3);
  EXPECT_EQ(Start({"eval", "--nofast"}).line.given, (std::set<std::string>{"fast"}));
  EXPECT_FALSE(absl::GetFlag(FLAGS_fast));
}

TEST(CommandsTest, WhatDoesNotBelongIsRefusedInOneLine) {
  const std::string commands = "; expected train, sample or eval, then its flags (see --help)\n";
  EXPECT_EQ(Refusal({}), "digits: no command is given" + commands);
  EXPECT_EQ(Refusal({"trian"}), "digits: 'trian' is not a command" + commands);
  EXPECT_EQ(Refusal({"--epochs=1", "train"}), "digits: '--epochs=1' is not a command" + commands);
  EXPECT_EQ(Refusal({"train", "--steps=5"}),
            "digits: --steps is not a flag of train but of sample and eval; see train --help\n");
  EXPECT_EQ(Refusal({"sample", "--nofast"}),
            "digits: --fast is not a flag of sample but of train and eval; see sample --help\n");
  EXPECT_EQ(Refusal({"train", "--nobody=1"}),
            "digits: --nobody is not a flag of train; see train --help\n");
  EXPECT_EQ(Refusal({"train", "--epoch=5"}), "digits: there is no flag --epoch, see --help\n");
  EXPECT_EQ(Refusal({"train", "--nofast=1"}), "digits: there is no flag --nofast, see --help\n");
  EXPECT_EQ(Refusal({"train", "--noepochs"}), "digits: there is no flag --noepochs, see --help\n");
  EXPECT_EQ(Refusal({"train", "--epochs"}),
            "digits: --epochs has no value; give one, or leave the flag out, see --help\n");
  EXPECT_EQ(Refusal({"train", "--epochs=many"}),
            "digits: Illegal value 'many' specified for flag 'epochs'; expected a whole number\n");
  EXPECT_EQ(Refusal({"train", "--fast=perhaps"}),
            "digits: Illegal value 'perhaps' specified for flag 'fast'\n");
  EXPECT_EQ(Refusal({"train", "now"}),
            "digits: 'now' is not a flag; flags look like --name=value, see --help\n");
}

TEST(CommandsTest, Help) {
  Result result = Start({"--help"});
  EXPECT_EQ(result.line.exit_code, 0);
  EXPECT_EQ(result.out.find("Draws digits.\n\nCommands:\n  train\n      learns\n"), 0u)
      << result.out;
  result = Start({"eval", "--help"});
  EXPECT_EQ(result.line.exit_code, 0);
  EXPECT_EQ(result.out,
            "digits eval: judges\n\nFlags:\n  --steps=10,50\n      numbers of steps to try\n"
            "  --fast=true\n      hurry\n");
  result = Start({"--version"});
  EXPECT_EQ(result.line.exit_code, 0);
  EXPECT_EQ(result.out.find("digits "), 0u);
}

}  // namespace
}  // namespace examples
