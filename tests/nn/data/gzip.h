// Data packed by zlib, for tests of readers.
#ifndef TESTS_NN_DATA_GZIP_H_
#define TESTS_NN_DATA_GZIP_H_

#include <string>
#include <string_view>

namespace nn::testing {

// As a .gz file holds it.
std::string Gzip(std::string_view data);

}  // namespace nn::testing

#endif  // TESTS_NN_DATA_GZIP_H_
