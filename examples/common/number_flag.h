// Flags that are numbers, may be absent, and say what they want when they are given something else.
//
// Example:
//   // ABSL_FLAG(examples::NumberFlag<int64_t>, steps, {}, "number of steps (default 100)");
//   // const int64_t steps = absl::GetFlag(FLAGS_steps).value.value_or(100);
//   examples::NumberFlag<double> rate;
//   std::string error;
//   if (!AbslParseFlag("fast", &rate, &error)) std::cout << error << "\n";  // expected a number
#ifndef EXAMPLES_COMMON_NUMBER_FLAG_H_
#define EXAMPLES_COMMON_NUMBER_FLAG_H_

#include <optional>
#include <string>
#include <type_traits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace examples {

// T is double or an integer type of 32 or 64 bits.
template <class T>
struct NumberFlag {
  std::optional<T> value = std::nullopt;
};

// For Abseil's flags.
template <class T>
bool AbslParseFlag(absl::string_view text, NumberFlag<T>* flag, std::string* error) {
  // Abseil reads back the text of every default, also of those that are absent.
  flag->value = std::nullopt;
  if (text.empty()) return true;
  T value;
  bool parsed;
  if constexpr (std::is_floating_point_v<T>) {
    parsed = absl::SimpleAtod(text, &value);
    *error = "expected a number";
  } else {
    parsed = absl::SimpleAtoi(text, &value);
    *error =
        std::is_unsigned_v<T> ? "expected a whole number, 0 or more" : "expected a whole number";
  }
  if (parsed) flag->value = value;
  return parsed;
}

template <class T>
std::string AbslUnparseFlag(const NumberFlag<T>& flag) {
  return flag.value.has_value() ? absl::StrCat(*flag.value) : "";
}

}  // namespace examples

#endif  // EXAMPLES_COMMON_NUMBER_FLAG_H_
