#include "benchmarks/trace_table.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "autograd/grad.h"
#include "autograd/ops/activation.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "autograd/trace/trace.h"

namespace benchmarks {
namespace {

TEST(TraceTableTest, BytesOfTensors) {
  EXPECT_EQ(TensorBytes("[2, 3] f32 [4] bf16"), (std::vector<double>{24, 8}));
  EXPECT_EQ(TensorBytes("[] f64"), std::vector<double>{8});
  EXPECT_EQ(TensorBytes("[5, 0] i64 [3] bool"), (std::vector<double>{0, 3}));
  EXPECT_EQ(TensorBytes(""), std::vector<double>{});
}

TEST(TraceTableTest, AnOperationsTimeIsItsOwn) {
  const char* trace = R"({"traceEvents": [
    {"name": "B", "tid": 0, "ts": 12, "dur": 3, "args": {"shapes": ""}},
    {"name": "B", "tid": 0, "ts": 16, "dur": 4, "args": {"shapes": ""}},
    {"name": "A", "tid": 0, "ts": 10, "dur": 20, "args": {"shapes": "[10] f32"}},
    {"name": "C", "tid": 1, "ts": 11, "dur": 50, "args": {"shapes": ""}}]})";
  const std::vector<OperationTime> table = SumByOperation(trace);
  ASSERT_EQ(table.size(), 3u);
  EXPECT_EQ(table[0].name, "C");
  EXPECT_DOUBLE_EQ(table[0].milliseconds, 0.05);
  EXPECT_EQ(table[1].name, "A");
  EXPECT_DOUBLE_EQ(table[1].milliseconds, 0.013);
  EXPECT_EQ(table[1].bytes, 80);
  EXPECT_EQ(table[2].calls, 2);
  EXPECT_DOUBLE_EQ(table[2].milliseconds, 0.007);
}

TEST(TraceTableTest, ConvolutionsWriteAsManyChannelsAsTheirWeightHas) {
  const char* trace = R"({"traceEvents": [{"name": "Conv2d", "tid": 0, "ts": 0, "dur": 1,
    "args": {"shapes": "[2, 4, 4, 8] f32 [16, 3, 3, 8] f32"}}]})";
  EXPECT_EQ(SumByOperation(trace)[0].bytes, 4 * (2 * 16 * 8 + 16 * 9 * 8 + 2 * 16 * 16));
}

TEST(TraceTableTest, ARealTrace) {
  autograd::Tensor x = autograd::Ones({1000}).set_requires_grad(true);
  autograd::StartTrace();
  Backward(Sum(autograd::Silu(x)));
  const std::vector<OperationTime> table = SumByOperation(autograd::StopTrace());
  const auto bytes = [&](const std::string& name) {
    for (const OperationTime& row : table) {
      if (row.name == name) return row.bytes;
    }
    return -1.0;
  };
  EXPECT_EQ(bytes("Silu"), 8000);
  EXPECT_EQ(bytes("Silu backward"), 12000);
  EXPECT_EQ(bytes("Sum"), 4000);
}

TEST(TraceTableTest, OtherTextIsRefused) {
  EXPECT_THROW(SumByOperation("no trace"), std::invalid_argument);
  EXPECT_THROW(SumByOperation("{}"), std::invalid_argument);
}

}  // namespace
}  // namespace benchmarks
