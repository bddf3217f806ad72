#include "benchmarks/trace_table.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace benchmarks {
namespace {

constexpr char kBackward[] = " backward";

struct Event {
  std::string name;
  int thread = 0;
  double begin = 0, duration = 0, own = 0;  // microseconds
  std::vector<double> inputs;               // bytes
  std::string shapes;
};

double ItemBytes(absl::string_view dtype) {
  if (dtype == "f64" || dtype == "i64") return 8;
  if (dtype == "f32" || dtype == "i32") return 4;
  if (dtype == "bf16") return 2;
  return 1;
}

// Bytes of the largest, and of all.
double Largest(const std::vector<double>& bytes) {
  return bytes.empty() ? 0 : *std::max_element(bytes.begin(), bytes.end());
}
double Sum(const std::vector<double>& bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), 0.0);
}

// Axis `axis` of tensor `index` of the shapes, 1 if there is none.
double AxisOf(const std::string& shapes, size_t index, size_t axis) {
  const std::vector<std::string> tensors = absl::StrSplit(shapes, '[');
  if (index + 1 >= tensors.size()) return 1;
  const std::vector<std::string> axes =
      absl::StrSplit(tensors[index + 1].substr(0, tensors[index + 1].find(']')), ", ");
  double value = 1;
  return axis < axes.size() && absl::SimpleAtod(axes[axis], &value) ? value : 1;
}

double ResultBytes(const Event& event) {
  if (absl::StartsWith(event.name, "Conv2d")) {
    const double in = AxisOf(event.shapes, 0, 3), out = AxisOf(event.shapes, 1, 0);
    return event.inputs.empty() ? 0 : event.inputs[0] * out / in;
  }
  if (absl::StartsWith(event.name, "Concat")) return Sum(event.inputs);
  if (absl::StartsWith(event.name, "MseLoss") || absl::StartsWith(event.name, "Sum")) return 0;
  return Largest(event.inputs);
}

std::vector<Event> Parse(const std::string& trace) {
  std::vector<Event> events;
  try {
    const nlohmann::json root = nlohmann::json::parse(trace);
    for (const nlohmann::json& item : root.at("traceEvents")) {
      Event event{.name = item.at("name").get<std::string>(),
                  .thread = item.at("tid").get<int>(),
                  .begin = item.at("ts").get<double>(),
                  .duration = item.at("dur").get<double>(),
                  .inputs = {},
                  .shapes = item.at("args").at("shapes").get<std::string>()};
      event.own = event.duration;
      event.inputs = TensorBytes(event.shapes);
      events.push_back(std::move(event));
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument(absl::StrCat("SumByOperation: no trace: ", error.what()));
  }
  return events;
}

// Takes from each event's own time what the events inside it took.
void SubtractInner(std::vector<Event>& events) {
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    if (a.thread != b.thread) return a.thread < b.thread;
    return a.begin != b.begin ? a.begin < b.begin : a.duration > b.duration;
  });
  std::vector<Event*> open;
  for (Event& event : events) {
    while (!open.empty() && (open.back()->thread != event.thread ||
                             open.back()->begin + open.back()->duration <= event.begin)) {
      open.pop_back();
    }
    if (!open.empty()) open.back()->own -= event.duration;
    open.push_back(&event);
  }
}

}  // namespace

std::vector<double> TensorBytes(const std::string& shapes) {
  std::vector<double> bytes;
  for (const absl::string_view part : absl::StrSplit(shapes, '[')) {
    const size_t close = part.find("] ");
    if (close == absl::string_view::npos) continue;
    double elements = 1;
    for (const absl::string_view axis : absl::StrSplit(part.substr(0, close), ", ")) {
      double size = 1;
      if (absl::SimpleAtod(axis, &size)) elements *= size;
    }
    const absl::string_view rest = part.substr(close + 2);
    bytes.push_back(elements * ItemBytes(rest.substr(0, rest.find(' '))));
  }
  return bytes;
}

std::vector<OperationTime> SumByOperation(const std::string& trace) {
  std::vector<Event> events = Parse(trace);
  SubtractInner(events);
  std::map<std::string, OperationTime> sums;
  std::map<std::string, double> backward_bytes;  // over all forward events of a name
  for (const Event& event : events) {
    OperationTime& sum = sums[event.name];
    sum.name = event.name;
    ++sum.calls;
    sum.milliseconds += 1e-3 * event.own;
    sum.bytes += Sum(event.inputs) + ResultBytes(event);
    backward_bytes[event.name] += 2 * Sum(event.inputs) + ResultBytes(event);
  }
  std::vector<OperationTime> table;
  for (auto& [name, sum] : sums) {
    if (absl::EndsWith(name, kBackward)) {
      const auto forward = sums.find(std::string(absl::StripSuffix(name, kBackward)));
      if (forward != sums.end()) {
        sum.bytes = backward_bytes[forward->first] / static_cast<double>(forward->second.calls) *
                    static_cast<double>(sum.calls);
      }
    }
    table.push_back(sum);
  }
  std::sort(table.begin(), table.end(), [](const OperationTime& a, const OperationTime& b) {
    return a.milliseconds > b.milliseconds;
  });
  return table;
}

}  // namespace benchmarks
