#include "examples/common/list_flag.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace examples {
namespace {

template <class T>
std::vector<T> Parse(const std::string& text) {
  ListFlag<T> flag;
  std::string error;
  EXPECT_TRUE(AbslParseFlag(text, &flag, &error)) << text << ": " << error;
  return flag.values;
}

TEST(ListFlagTest, NumbersAndRanges) {
  EXPECT_EQ(Parse<int64_t>("3,1,4"), (std::vector<int64_t>{3, 1, 4}));
  EXPECT_EQ(Parse<int64_t>("0-3"), (std::vector<int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(Parse<int64_t>("7,0-2,7"), (std::vector<int64_t>{7, 0, 1, 2, 7}));
  EXPECT_EQ(Parse<int64_t>("-3--1"), (std::vector<int64_t>{-3, -2, -1}));
  EXPECT_EQ(Parse<double>("1,2.5,-1e-3"), (std::vector<double>{1, 2.5, -1e-3}));
  EXPECT_TRUE(Parse<int64_t>("").empty());
  EXPECT_EQ(AbslUnparseFlag(ListFlag<int64_t>{{10, 50}}), "10,50");
}

TEST(ListFlagTest, WhatIsNoListIsRefused) {
  for (const std::string text : {"a", "1,", ",1", "1;2", "3-1", "0-", "1-2-3", "1.5", "0-1000",
                                 "-9223372036854775808-9223372036854775807"}) {
    ListFlag<int64_t> flag;
    std::string error;
    EXPECT_FALSE(AbslParseFlag(text, &flag, &error)) << text;
    EXPECT_EQ(error, "expected whole numbers separated by commas, or ranges as in 0-9");
  }
  ListFlag<double> flag;
  std::string error;
  EXPECT_FALSE(AbslParseFlag("1,x", &flag, &error));
  EXPECT_EQ(error, "expected numbers separated by commas");
}

}  // namespace
}  // namespace examples
