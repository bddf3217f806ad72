#include "examples/mnist/model.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace examples::mnist {
namespace {

constexpr char kChannelsKey[] = "channels";
// Every channel of an attention head and every group of a normalisation is a multiple of it.
constexpr int64_t kChannelStep = 8;
constexpr int64_t kMaxGroups = 32;
// 28 can be halved twice.
constexpr size_t kMaxLevels = 3;

// 32 as in the specification, or fewer where the channels do not divide.
int64_t NormGroups(const std::vector<int64_t>& channels) {
  int64_t groups = kMaxGroups;
  for (const int64_t count : channels) groups = std::gcd(groups, count);
  return groups;
}

}  // namespace

absl::Status CheckArchitecture(const Architecture& architecture) {
  const std::vector<int64_t>& channels = architecture.channels;
  const bool fits = !channels.empty() && channels.size() <= kMaxLevels &&
                    std::all_of(channels.begin(), channels.end(), [](int64_t count) {
                      return count > 0 && count <= 1024 && count % kChannelStep == 0;
                    });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected one to three multiples of ",
                                                 kChannelStep, " up to 1024, got '",
                                                 absl::StrJoin(channels, ","), "'"));
}

std::unique_ptr<flowmatch::ClassConditionedUNet> MakeModel(const Architecture& architecture,
                                                           autograd::Generator& generator) {
  if (absl::Status status = CheckArchitecture(architecture); !status.ok()) {
    throw std::invalid_argument(absl::StrCat("MakeModel: ", std::string(status.message())));
  }
  flowmatch::ClassConditionedUNetOptions options;
  options.num_classes = kDigits;
  nn::UNet2DOptions& unet = options.unet;
  unet.block_out_channels = architecture.channels;
  // Attention everywhere but at the full resolution.
  unet.down_block_types.assign(architecture.channels.size(), nn::BlockType::kAttention);
  unet.down_block_types[0] = nn::BlockType::kPlain;
  unet.norm_num_groups = NormGroups(architecture.channels);
  return std::make_unique<flowmatch::ClassConditionedUNet>(options, generator);
}

std::map<std::string, std::string> ArchitectureMetadata(const Architecture& architecture) {
  return {{kChannelsKey, absl::StrJoin(architecture.channels, ",")}};
}

absl::StatusOr<Architecture> ArchitectureFrom(const std::map<std::string, std::string>& metadata) {
  const auto found = metadata.find(kChannelsKey);
  if (found == metadata.end()) {
    return absl::InvalidArgumentError("the metadata does not say the model's channels");
  }
  Architecture architecture;
  for (const absl::string_view item : absl::StrSplit(found->second, ',')) {
    int64_t count = 0;
    static_cast<void>(absl::SimpleAtoi(item, &count));
    architecture.channels.push_back(count);
  }
  if (absl::Status status = CheckArchitecture(architecture); !status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the metadata's channels: ", std::string(status.message())));
  }
  return architecture;
}

}  // namespace examples::mnist
