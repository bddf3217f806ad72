#include "autograd/parallel/cpu_limit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace autograd::internal {
namespace {

class CgroupTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text << "\n";
  }

  const std::string root_ = ::testing::TempDir() + "/cgroup_test";
};

TEST_F(CgroupTest, NoFilesMeanNoLimit) { EXPECT_EQ(CgroupCpuLimit(root_), 0); }

TEST_F(CgroupTest, Version2TakesTheSmallestOfAllLevelsRoundedUp) {
  Write("/proc/self/cgroup", "0::/user/job");
  Write("/sys/fs/cgroup/user/job/cpu.max", "max 100000");
  EXPECT_EQ(CgroupCpuLimit(root_), 0);
  Write("/sys/fs/cgroup/user/cpu.max", "250000 100000");
  EXPECT_EQ(CgroupCpuLimit(root_), 3);
  Write("/sys/fs/cgroup/user/job/cpu.max", "150000 100000");
  EXPECT_EQ(CgroupCpuLimit(root_), 2);
  Write("/sys/fs/cgroup/cpu.max", "10000 100000");
  EXPECT_EQ(CgroupCpuLimit(root_), 1);
}

TEST_F(CgroupTest, Version1) {
  Write("/proc/self/cgroup", "5:memory:/other\n4:cpu,cpuacct:/job\n3:cpuset:/third");
  Write("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1");
  Write("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(CgroupCpuLimit(root_), 0);
  Write("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "400000");
  EXPECT_EQ(CgroupCpuLimit(root_), 4);
}

TEST_F(CgroupTest, InAContainerTheMountsRootIsTheCgroup) {
  Write("/proc/self/cgroup", "0::/system/container/1234");
  Write("/sys/fs/cgroup/cpu.max", "200000 100000");
  EXPECT_EQ(CgroupCpuLimit(root_), 2);
}

TEST_F(CgroupTest, NonsenseMeansNoLimit) {
  Write("/proc/self/cgroup", "nonsense\n0::/job\n::");
  Write("/sys/fs/cgroup/job/cpu.max", "200000 0");
  Write("/sys/fs/cgroup/cpu.max", "");
  EXPECT_EQ(CgroupCpuLimit(root_), 0);
}

TEST(ParseOmpNumThreads, TakesTheFirstNumberOfAList) {
  EXPECT_EQ(ParseOmpNumThreads("4", 256), 4);
  EXPECT_EQ(ParseOmpNumThreads(" 4 , 2", 256), 4);
  EXPECT_EQ(ParseOmpNumThreads("4,2,1", 256), 4);
  EXPECT_EQ(ParseOmpNumThreads("100000", 256), 256);
}

TEST(ParseOmpNumThreads, IgnoresWhatIsNotANumberOfThreads) {
  for (const char* value : {"", "0", "-3", "four", "4x"})
    EXPECT_EQ(ParseOmpNumThreads(value, 256), 0) << value;
  EXPECT_EQ(ParseOmpNumThreads(nullptr, 256), 0);
}

TEST(AvailableCpus, IsPositive) { EXPECT_GE(AvailableCpus(), 1); }

}  // namespace
}  // namespace autograd::internal
