// The text of the error a call throws.
#ifndef TESTS_FLOWMATCH_TESTING_ERROR_TEXT_H_
#define TESTS_FLOWMATCH_TESTING_ERROR_TEXT_H_

#include <stdexcept>
#include <string>

namespace flowmatch {

// what() of the Error that call() throws; "no error" if it returns. Other exceptions pass through.
template <class Error = std::invalid_argument, class Call>
std::string ErrorText(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace flowmatch

#endif  // TESTS_FLOWMATCH_TESTING_ERROR_TEXT_H_
