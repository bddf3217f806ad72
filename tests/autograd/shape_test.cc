#include "autograd/shape.h"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>

namespace autograd {
namespace {

std::string ErrorOf(const std::function<void()>& function) {
  try {
    function();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(Dims, HoldsUpToEight) {
  Dims dims = {2, 3};
  dims.push_back(5);
  dims.insert(1, 7);
  EXPECT_EQ(dims, (Dims{2, 7, 3, 5}));
  dims.erase(0);
  EXPECT_EQ(dims.ToString(), "[7, 3, 5]");
  EXPECT_EQ(dims.numel(), 105);
  EXPECT_EQ(Dims{}.numel(), 1);
  EXPECT_EQ(Dims{}.ToString(), "[]");
  EXPECT_FALSE((Dims{1} == Dims{1, 1}));
  EXPECT_EQ(Dims::Filled(3, 4), (Dims{4, 4, 4}));
  Dims full = Dims::Filled(8, 1);
  EXPECT_EQ(ErrorOf([&] { full.push_back(1); }), "a tensor has at most 8 axes, got 9");
  EXPECT_EQ(ErrorOf([&] { full.insert(0, 1); }), "a tensor has at most 8 axes, got 9");
  EXPECT_EQ(ErrorOf([] { Dims{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}; }),
            "a tensor has at most 8 axes, got 10");
}

TEST(ContiguousStrides, RowMajor) {
  EXPECT_EQ(ContiguousStrides({2, 3, 4}), (Strides{12, 4, 1}));
  EXPECT_EQ(ContiguousStrides({2, 0, 4}), (Strides{4, 4, 1}));
  EXPECT_EQ(ContiguousStrides({}), Strides{});
}

TEST(BroadcastShapes, NumPysRule) {
  EXPECT_EQ(BroadcastShapes("Add", {2, 1, 4}, {3, 1}), (Shape{2, 3, 4}));
  EXPECT_EQ(BroadcastShapes("Add", {}, {3, 1}), (Shape{3, 1}));
  EXPECT_EQ(BroadcastShapes("Add", {0, 1}, {1, 5}), (Shape{0, 5}));
  EXPECT_EQ(ErrorOf([] {
              BroadcastShapes("Add", {2, 3}, {2});
            }),
            "Add: shapes [2, 3] and [2] do not broadcast");
  EXPECT_EQ(ErrorOf([] { BroadcastShapes("Mul", {0}, {2}); }),
            "Mul: shapes [0] and [2] do not broadcast");
}

TEST(CanExpand, OnlyOnesGrow) {
  EXPECT_TRUE(CanExpand({3, 1}, {2, 3, 4}));
  EXPECT_TRUE(CanExpand({}, {0}));
  EXPECT_TRUE(CanExpand({1}, {0}));
  EXPECT_FALSE(CanExpand({3}, {1}));
  EXPECT_FALSE(CanExpand({1, 3}, {3}));
}

TEST(NormalizeAxis, CountsFromTheEnd) {
  EXPECT_EQ(NormalizeAxis("Sum", -1, {2, 3}), 1);
  EXPECT_EQ(NormalizeAxis("Sum", 1, {2, 3}), 1);
  EXPECT_EQ(ErrorOf([] {
              NormalizeAxis("Sum", 2, {2, 3});
            }),
            "Sum: axis 2 is out of range for shape [2, 3]");
  EXPECT_EQ(ErrorOf([] { NormalizeAxis("Sum", 0, {}); }),
            "Sum: axis 0 is out of range for shape []");
}

TEST(CheckShape, RefusesWhatCannotBeCounted) {
  CheckShape("Empty", {0, int64_t{1} << 40});
  EXPECT_EQ(ErrorOf([] { CheckShape("Empty", {2, -1}); }), "Empty: negative size in shape [2, -1]");
  const int64_t large = int64_t{1} << 40;
  EXPECT_NE(ErrorOf([=] {
              CheckShape("Empty", {large, large});
            }).find("too many elements"),
            std::string::npos);
  // An empty tensor whose other sizes overflow when multiplied.
  EXPECT_NE(ErrorOf([=] {
              CheckShape("Empty", {large, large, 0});
            }).find("too many elements"),
            std::string::npos);
}

}  // namespace
}  // namespace autograd
