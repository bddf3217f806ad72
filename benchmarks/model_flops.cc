#include "benchmarks/model_flops.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace benchmarks {
namespace {

// The number behind `part` in a name: 1 for "down_blocks" in "model.down_blocks.1.resnets"; -1 if
// the part is not there.
int NumberBehind(const std::vector<std::string>& parts, const std::string& part) {
  const auto found = std::find(parts.begin(), parts.end(), part);
  int number = -1;
  if (found == parts.end() || found + 1 == parts.end() || !absl::SimpleAtoi(found[1], &number)) {
    return -1;
  }
  return number;
}

// Levels of a UNet, 0 if the model has none.
int LevelsOf(const nn::NamedTensors& parameters) {
  int levels = 0;
  for (const auto& [name, tensor] : parameters) {
    const std::vector<std::string> parts = absl::StrSplit(name, '.');
    levels = std::max(levels, NumberBehind(parts, "down_blocks") + 1);
  }
  return levels;
}

// How often the image was halved where a layer writes its result.
int Halvings(const std::string& name, int levels) {
  const std::vector<std::string> parts = absl::StrSplit(name, '.');
  if (const int block = NumberBehind(parts, "down_blocks"); block >= 0) {
    return absl::StrContains(name, "downsamplers") ? block + 1 : block;
  }
  if (const int block = NumberBehind(parts, "up_blocks"); block >= 0) {
    const int level = levels - 1 - block;
    return absl::StrContains(name, "upsamplers") ? level - 1 : level;
  }
  return absl::StrContains(name, "mid_block") ? levels - 1 : 0;
}

double PixelsAfter(int halvings, int64_t height, int64_t width) {
  for (int i = 0; i < halvings; ++i) {
    height = (height + 1) / 2;
    width = (width + 1) / 2;
  }
  return static_cast<double>(height * width);
}

bool IsEmbedding(const std::string& name) {
  return absl::StrContains(name, "class_emb");  // class_emb and class_embedding
}

}  // namespace

ModelFlops ForwardFlops(const nn::Module& model, int64_t height, int64_t width) {
  const nn::NamedTensors parameters = model.NamedParameters();
  const int levels = LevelsOf(parameters);
  ModelFlops flops;
  for (const auto& [name, tensor] : parameters) {
    const double pixels = PixelsAfter(Halvings(name, levels), height, width);
    const auto weights = static_cast<double>(tensor.numel());
    const bool attention = absl::StrContains(name, "attentions.");
    if (tensor.rank() == 4) {
      flops.convolution += 2 * weights * pixels;
      if (absl::StrContains(name, "upsamplers")) flops.upsampling += 2 * weights * pixels;
    }
    if (tensor.rank() == 2 && !IsEmbedding(name)) {
      const double products = 2 * weights * (attention ? pixels : 1);
      flops.linear += products;
      const bool result = absl::StrContains(name, "to_out");
      if (attention && result) flops.attention_out += products;
      if (attention && !result) flops.attention_in += products;
    }
    // One normalisation stands before each attention and has its channels.
    if (attention && absl::EndsWith(name, "group_norm.weight")) {
      flops.attention += 4 * pixels * pixels * weights;
    }
  }
  return flops;
}

}  // namespace benchmarks
