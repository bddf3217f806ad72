// Reads a PNG back, for tests.
#ifndef TESTS_EXAMPLES_PLOT_DECODE_PNG_H_
#define TESTS_EXAMPLES_PLOT_DECODE_PNG_H_

#include <optional>
#include <string>

#include "examples/plot/image.h"

namespace examples::plot {

// Nothing if the bytes are no PNG.
std::optional<Image> DecodePng(const std::string& bytes);

}  // namespace examples::plot

#endif  // TESTS_EXAMPLES_PLOT_DECODE_PNG_H_
