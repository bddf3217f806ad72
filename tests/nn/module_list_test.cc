#include "nn/module_list.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "nn/linear.h"

namespace nn {
namespace {

TEST(ModuleListTest, ModulesAreNamedByTheirNumbers) {
  Generator generator(1);
  ModuleList<Linear> list;
  EXPECT_TRUE(list.empty());
  const Linear& first = list.Add(3, 4, generator, LinearOptions{.bias = false});
  list.Add(4, 5, generator);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(&list[0], &first);
  EXPECT_THROW(list[2], std::out_of_range);
  const NamedTensors parameters = list.NamedParameters();
  ASSERT_EQ(parameters.size(), 3u);
  EXPECT_EQ(parameters[0].first, "0.weight");
  EXPECT_EQ(parameters[2].first, "1.bias");
}

TEST(ModuleListTest, ReachesItsModules) {
  Generator generator(1);
  ModuleList<Linear> list;
  const Linear& layer = list.Add(3, 4, generator);
  list.Eval();
  EXPECT_FALSE(layer.training());
}

}  // namespace
}  // namespace nn
