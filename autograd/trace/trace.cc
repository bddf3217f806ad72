#include "autograd/trace/trace.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <vector>

#include "autograd/trace/op_scope.h"

namespace autograd {
namespace internal {

struct TraceEvent {
  // A copy: the name of a node's operation may be gone with the node when the trace is written.
  std::string name;
  bool backward;
  int thread;
  std::string shapes;
  double begin_us;
  double duration_us;
};

namespace {

struct TraceLog {
  std::mutex mutex;
  std::vector<TraceEvent> events;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

TraceLog& GetLog() {
  static TraceLog& log = *new TraceLog;
  return log;
}

double Now() {
  const std::chrono::duration<double, std::micro> elapsed =
      std::chrono::steady_clock::now() - GetLog().start;
  return elapsed.count();
}

int ThreadNumber() {
  static std::atomic<int> next{0};
  static thread_local const int number = next.fetch_add(1);
  return number;
}

// Records the whole program when AUTOGRAD_TRACE names a file.
struct EnvironmentTrace {
  static const char* Path() {
    const char* path = std::getenv("AUTOGRAD_TRACE");
    return path != nullptr && *path != '\0' ? path : nullptr;
  }
  const bool on = Path() != nullptr;
  EnvironmentTrace() {
    if (on) StartTrace();
  }
  ~EnvironmentTrace() {
    // Read again: the program may have made the path absolute, or given the trace up.
    const char* path = Path();
    if (!on || path == nullptr) return;
    std::ofstream file(path);
    file << StopTrace();
    if (!file.flush()) std::fprintf(stderr, "AUTOGRAD_TRACE: cannot write %s\n", path);
  }
} environment_trace;

}  // namespace

TraceEvent* BeginTraceEvent(const char* name, bool backward,
                            std::span<const Tensor* const> inputs) {
  std::string shapes;
  for (const Tensor* input : inputs) {
    if (!shapes.empty()) shapes += " ";
    shapes += Describe(*input);
  }
  return new TraceEvent{name, backward, ThreadNumber(), std::move(shapes), Now(), 0};
}

void EndTraceEvent(TraceEvent* event) {
  event->duration_us = Now() - event->begin_us;
  TraceLog& log = GetLog();
  {
    const std::lock_guard<std::mutex> lock(log.mutex);
    log.events.push_back(std::move(*event));
  }
  delete event;
}

}  // namespace internal

void StartTrace() {
  internal::TraceLog& log = internal::GetLog();
  const std::lock_guard<std::mutex> lock(log.mutex);
  log.events.clear();
  internal::trace_enabled = true;
}

std::string StopTrace() {
  internal::trace_enabled = false;
  internal::TraceLog& log = internal::GetLog();
  const std::lock_guard<std::mutex> lock(log.mutex);
  std::string json = "{\"traceEvents\": [";
  char times[96];
  for (size_t i = 0; i < log.events.size(); ++i) {
    const internal::TraceEvent& event = log.events[i];
    std::snprintf(times, sizeof times,
                  "\"ph\": \"X\", \"pid\": 1, \"tid\": %d, \"ts\": %.3f, \"dur\": %.3f",
                  event.thread, event.begin_us, event.duration_us);
    json += std::string(i == 0 ? "\n" : ",\n") + "{\"name\": \"" + event.name +
            (event.backward ? " backward" : "") + "\", " + times + ", \"args\": {\"shapes\": \"" +
            event.shapes + "\"}}";
  }
  log.events.clear();
  return json + "\n]}\n";
}

}  // namespace autograd
