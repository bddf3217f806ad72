// Summary: a model as a table, a line for each module with the shapes and the number of its
// parameters.
//
// Example:
//   Generator generator(1);
//   Sequential model;
//   model.Add<nn::Linear>(3, 64, generator);
//   model.Add<nn::Linear>(64, 2, generator);
//   std::cout << Summary(model);
//   // module  parameters  of which
//   // 0              256  weight [64, 3]  bias [64]
//   // 1              130  weight [2, 64]  bias [2]
//   // total          386  in 4 tensors, 1.5 KiB
#ifndef NN_SUMMARY_H_
#define NN_SUMMARY_H_

#include <limits>
#include <string>

#include "nn/module.h"

namespace nn {

// Modules below `depth` dots are counted in the line of the module above them, whose own parameters
// are then not listed one by one; by default every module with parameters of its own has a line.
// Shapes are those in memory. A parameter that modules share counts where it comes first.
std::string Summary(const Module& module, int depth = std::numeric_limits<int>::max());

}  // namespace nn

#endif  // NN_SUMMARY_H_
