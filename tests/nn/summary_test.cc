#include "nn/summary.h"

#include <gtest/gtest.h>

#include "autograd/ops/creation.h"
#include "nn/linear.h"
#include "nn/sequential.h"

namespace nn {
namespace {

class Model : public Module {
 public:
  explicit Model(Generator& generator) {
    RegisterParameter("scale", autograd::Ones({3}));
    net_.Add<Linear>(3, 64, generator);
    net_.Add<Linear>(64, 2, generator);
    RegisterModule("net", net_);
  }

 private:
  Sequential net_;
};

TEST(SummaryTest, ALineForEachModuleWithParameters) {
  Generator generator(1);
  EXPECT_EQ(Summary(Model(generator)),
            "module  parameters  of which\n"
            "                 3  scale [3]\n"
            "net.0          256  weight [64, 3]  bias [64]\n"
            "net.1          130  weight [2, 64]  bias [2]\n"
            "total          389  in 5 tensors, 1.5 KiB\n");
}

TEST(SummaryTest, ModulesFarDownAreCountedAbove) {
  Generator generator(1);
  EXPECT_EQ(Summary(Model(generator), 0),
            "module  parameters  of which\n"
            "                 3  scale [3]\n"
            "net            386\n"
            "total          389  in 5 tensors, 1.5 KiB\n");
}

TEST(SummaryTest, AModelWithoutParameters) {
  EXPECT_EQ(Summary(Sequential()),
            "module  parameters  of which\n"
            "total            0  in 0 tensors, 0.0 KiB\n");
}

}  // namespace
}  // namespace nn
