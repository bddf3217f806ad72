#include "nn/summary.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "autograd/dtype.h"

namespace nn {
namespace {

struct Line {
  std::string module;
  int64_t parameters = 0;
  std::string details;
};

// The first `depth` + 1 parts of a dotted name.
std::string Shortened(const std::string& name, int depth) {
  size_t end = 0;
  for (int i = 0; i <= depth; ++i) {
    end = name.find('.', end);
    if (end == std::string::npos) return name;
    ++end;
  }
  return name.substr(0, end - 1);
}

// A line for each module that holds parameters, in their order.
std::vector<Line> Lines(const Module& module, int depth) {
  std::vector<Line> lines;
  for (const auto& [name, parameter] : module.NamedParameters()) {
    const size_t dot = name.rfind('.');
    const std::string owner = dot == std::string::npos ? "" : name.substr(0, dot);
    const std::string shown = Shortened(owner, depth);
    if (lines.empty() || lines.back().module != shown) lines.push_back({shown, 0, ""});
    lines.back().parameters += parameter.numel();
    if (shown != owner) continue;
    absl::StrAppend(&lines.back().details, lines.back().details.empty() ? "" : "  ",
                    dot == std::string::npos ? name : name.substr(dot + 1), " ",
                    parameter.shape().ToString());
  }
  return lines;
}

std::string Total(const Module& module) {
  double bytes = 0;
  const NamedTensors parameters = module.NamedParameters();
  for (const auto& [name, parameter] : parameters) {
    bytes += static_cast<double>(parameter.numel()) *
             static_cast<double>(autograd::ItemSize(parameter.dtype()));
  }
  const bool large = bytes >= 1 << 20;
  return absl::StrFormat("in %d tensors, %.1f %s", parameters.size(),
                         bytes / (large ? 1 << 20 : 1 << 10), large ? "MiB" : "KiB");
}

}  // namespace

std::string Summary(const Module& module, int depth) {
  std::vector<Line> lines = Lines(module, depth);
  lines.push_back({"total", module.ParameterCount(), Total(module)});
  size_t width = 6;
  for (const Line& line : lines) width = std::max(width, line.module.size());
  std::string table = absl::StrFormat("%-*s  parameters  of which\n", width, "module");
  for (const Line& line : lines) {
    absl::StrAppendFormat(&table, "%-*s  %10d", width, line.module, line.parameters);
    absl::StrAppend(&table, line.details.empty() ? "" : "  ", line.details, "\n");
  }
  return table;
}

}  // namespace nn
