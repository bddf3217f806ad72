// Flags that are several numbers: --steps=10,50, and for whole numbers also ranges, --labels=0-9.
//
// Example:
//   // ABSL_FLAG(examples::ListFlag<int64_t>, labels, {}, "digits to draw");
//   // const std::vector<int64_t> labels = absl::GetFlag(FLAGS_labels).values;
//   examples::ListFlag<int64_t> labels;
//   std::string error;
//   AbslParseFlag("0-2,7", &labels, &error);
//   std::cout << labels.values.size() << "\n";  // 4
#ifndef EXAMPLES_COMMON_LIST_FLAG_H_
#define EXAMPLES_COMMON_LIST_FLAG_H_

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace examples {

// T is double or int64_t.
template <class T>
struct ListFlag {
  std::vector<T> values = {};
};

namespace internal {

// More numbers than anyone types; a range beyond it is a slip.
inline constexpr int64_t kLongestList = 1000;

// One number or range of a list, appended.
template <class T>
bool ParseListItem(absl::string_view text, std::vector<T>& values) {
  T first;
  if constexpr (std::is_floating_point_v<T>) {
    if (!absl::SimpleAtod(text, &first)) return false;
    values.push_back(first);
  } else {
    const size_t dash = text.find('-', 1);
    T last;
    if (!absl::SimpleAtoi(text.substr(0, dash), &first)) return false;
    last = first;
    if (dash != absl::string_view::npos && !absl::SimpleAtoi(text.substr(dash + 1), &last)) {
      return false;
    }
    // Compared without a difference, which could overflow.
    if (last < first || (first < 0 && last >= kLongestList) || last - first >= kLongestList) {
      return false;
    }
    for (T value = first; value <= last; ++value) values.push_back(value);
  }
  return static_cast<int64_t>(values.size()) <= kLongestList;
}

}  // namespace internal

// For Abseil's flags.
template <class T>
bool AbslParseFlag(absl::string_view text, ListFlag<T>* flag, std::string* error) {
  flag->values.clear();
  // Abseil reads back the text of every default, also of those that are absent.
  if (text.empty()) return true;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    if (internal::ParseListItem(item, flag->values)) continue;
    *error = std::is_floating_point_v<T>
                 ? "expected numbers separated by commas"
                 : "expected whole numbers separated by commas, or ranges as in 0-9";
    return false;
  }
  return true;
}

template <class T>
std::string AbslUnparseFlag(const ListFlag<T>& flag) {
  return absl::StrJoin(flag.values, ",");
}

}  // namespace examples

#endif  // EXAMPLES_COMMON_LIST_FLAG_H_
