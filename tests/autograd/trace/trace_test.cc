#include "autograd/trace/trace.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using Json = nlohmann::json;

std::vector<std::string> Names(const Json& trace) {
  std::vector<std::string> names;
  for (const Json& event : trace["traceEvents"]) names.push_back(event["name"]);
  return names;
}

const Json* Find(const Json& trace, const std::string& name) {
  for (const Json& event : trace["traceEvents"]) {
    if (event["name"] == name) return &event;
  }
  return nullptr;
}

TEST(Trace, IsOffByDefault) {
  const Tensor y = Ones({2}) + Ones({2});
  EXPECT_EQ(Json::parse(StopTrace())["traceEvents"], Json::array());
}

TEST(Trace, RecordsOperationsWithShapes) {
  const Tensor a = Ones({2, 3}), b = Ones({3}, DType::kF32);
  StartTrace();
  const Tensor y = Add(a, b);
  const Json trace = Json::parse(StopTrace());
  EXPECT_EQ(Names(trace), std::vector<std::string>{"Add"});
  const Json& event = trace["traceEvents"][0];
  EXPECT_EQ(event["ph"], "X");
  EXPECT_EQ(event["args"]["shapes"], "[2, 3] f32 [3] f32");
  EXPECT_GE(event["ts"].get<double>(), 0);
  EXPECT_GE(event["dur"].get<double>(), 0);
  EXPECT_TRUE(event["pid"].is_number_integer());
  EXPECT_TRUE(event["tid"].is_number_integer());
}

TEST(Trace, ListsOfInputsAreComplete) {
  const Tensor a = Ones({2}), b = Ones({1});
  StartTrace();
  Concat({a, b, a});
  EXPECT_EQ((*Find(Json::parse(StopTrace()), "Concat"))["args"]["shapes"],
            "[2] f32 [1] f32 [2] f32");
}

TEST(Trace, NestedOperationsLieInsideTheirCaller) {
  StartTrace();
  const Tensor y = Full({4}, 2);
  const Json trace = Json::parse(StopTrace());
  const Json *outer = Find(trace, "Full"), *inner = Find(trace, "FillInPlace");
  ASSERT_TRUE(outer != nullptr && inner != nullptr) << trace.dump(1);
  const auto begin = [](const Json* event) { return (*event)["ts"].get<double>(); };
  const auto end = [&](const Json* event) { return begin(event) + (*event)["dur"].get<double>(); };
  // Times are written to a thousandth of a microsecond.
  EXPECT_LE(begin(outer), begin(inner) + .002);
  EXPECT_GE(end(outer), end(inner) - .002);
}

TEST(Trace, BackwardEventsSaySo) {
  const Tensor x = Ones({3}).set_requires_grad(true);
  const Tensor y = SumTo(Mul(x, x), {});
  StartTrace();
  Backward(y);
  const std::vector<std::string> names = Names(Json::parse(StopTrace()));
  EXPECT_EQ(std::count(names.begin(), names.end(), "Mul backward"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "SumTo backward"), 1);
  EXPECT_GE(std::count(names.begin(), names.end(), "Mul"), 1);
}

TEST(Trace, StartForgetsWhatWasBefore) {
  StartTrace();
  Ones({2});
  StartTrace();
  Add(Ones({2}), Ones({2}));
  const std::vector<std::string> names = Names(Json::parse(StopTrace()));
  EXPECT_EQ(std::count(names.begin(), names.end(), "Full"), 2);
  EXPECT_EQ(Json::parse(StopTrace())["traceEvents"], Json::array());
}

TEST(Trace, ThreadsAreToldApart) {
  StartTrace();
  const auto add = [] { Add(Ones({2}), Ones({2})); };
  std::thread first(add), second(add);
  first.join();
  second.join();
  const Json trace = Json::parse(StopTrace());
  std::map<int, int> adds;
  for (const Json& event : trace["traceEvents"]) {
    if (event["name"] == "Add") ++adds[event["tid"].get<int>()];
  }
  EXPECT_EQ(adds.size(), 2u);
}

TEST(Trace, NamesMayBeGoneWhenTheTraceIsWritten) {
  StartTrace();
  {
    std::string name = "Passing";
    { const OpScope scope(name.c_str(), OpScope::Pass::kForward); }
    name = "xxxxxxx";
  }
  EXPECT_NE(Find(Json::parse(StopTrace()), "Passing"), nullptr);
}

TEST(Trace, AnOperationThatThrowsIsStillRecorded) {
  StartTrace();
  EXPECT_THROW(Add(Ones({2}), Ones({3})), std::invalid_argument);
  EXPECT_NE(Find(Json::parse(StopTrace()), "Add"), nullptr);
}

}  // namespace
}  // namespace autograd
