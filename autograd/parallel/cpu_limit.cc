#include "autograd/parallel/cpu_limit.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace autograd::internal {
namespace {

// Masks of more than 1,024 processors need a larger set than cpu_set_t; sched_getaffinity says
// EINVAL until it fits.
int AffinityCpus() {
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<size_t>(cpus));
    if (set == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(cpus));
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return 1;
}

// Processors from a quota and a period in microseconds, or 0 if there is no limit.
int CpusFromQuota(double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return 0;
  return static_cast<int>(std::min(std::ceil(quota / period), 1e6));
}

// cpu.max of version 2 is "max 100000" or "150000 100000".
int QuotaV2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  double quota = 0, period = 0;
  return file >> quota >> period ? CpusFromQuota(quota, period) : 0;
}

// Version 1 has a file for each; no limit is a quota of -1.
int QuotaV1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"),
      period_file(folder + "/cpu.cfs_period_us");
  double quota = 0, period = 0;
  return quota_file >> quota && period_file >> period ? CpusFromQuota(quota, period) : 0;
}

// The smallest limit of `path` and of every folder above it. Inside a container the path may not
// exist below the mount, but the mount's own root then is the container's cgroup, and that comes
// last.
int SmallestQuota(const std::string& mount, std::string path, int (*quota_of)(const std::string&)) {
  int smallest = 0;
  for (;;) {
    if (path == "/") path.clear();
    const int cpus = quota_of(mount + path);
    if (cpus > 0 && (smallest == 0 || cpus < smallest)) smallest = cpus;
    if (path.empty()) return smallest;
    path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
  }
}

bool HasCpuController(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

}  // namespace

int CgroupCpuLimit(const std::string& root) {
  int smallest = 0;
  auto take = [&](const char* mount, const std::string& path, int (*quota_of)(const std::string&)) {
    const int cpus = SmallestQuota(root + "/sys/fs/cgroup" + mount, path, quota_of);
    if (cpus > 0 && (smallest == 0 || cpus < smallest)) smallest = cpus;
  };
  std::ifstream file(root + "/proc/self/cgroup");
  // A line is "id:controllers:path"; version 2 is the line "0::path".
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      take("", path, QuotaV2);
      take("/unified", path, QuotaV2);
    } else if (HasCpuController(controllers)) {
      take("/cpu", path, QuotaV1);
      take("/cpu,cpuacct", path, QuotaV1);
    }
  }
  return smallest;
}

int AvailableCpus() {
  const int affinity = AffinityCpus();
  const int quota = CgroupCpuLimit("");
  return quota > 0 ? std::min(affinity, quota) : affinity;
}

int ParseOmpNumThreads(const char* value, int max) {
  if (value == nullptr) return 0;
  char* end = nullptr;
  const long threads = std::strtol(value, &end, 10);
  while (*end == ' ') ++end;
  if (end == value || (*end != '\0' && *end != ',') || threads < 1) return 0;
  return static_cast<int>(std::min<long>(threads, max));
}

}  // namespace autograd::internal
