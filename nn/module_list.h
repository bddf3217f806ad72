// ModuleList: a number of modules of one type, named "0", "1", ... as in PyTorch's nn.ModuleList.
// It has no forward function: whoever holds it says what its modules compute.
//
// Example:
//   Generator generator(1);
//   ModuleList<nn::Linear> heads;
//   for (int i = 0; i < 3; ++i) heads.Add(4, 2, generator);
//   for (size_t i = 0; i < heads.size(); ++i) {
//     std::cout << heads[i].Forward(Ones({1, 4})) << "\n";
//   }
//   std::cout << heads.NamedParameters()[2].first << "\n";  // 1.weight
#ifndef NN_MODULE_LIST_H_
#define NN_MODULE_LIST_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/module.h"

namespace nn {

template <class Type>
class ModuleList final : public Module {
 public:
  // Makes a module and appends it. Returns it.
  template <class... Args>
  Type& Add(Args&&... args) {
    modules_.push_back(std::make_unique<Type>(std::forward<Args>(args)...));
    RegisterModule(std::to_string(modules_.size() - 1), *modules_.back());
    return *modules_.back();
  }

  size_t size() const { return modules_.size(); }
  bool empty() const { return modules_.empty(); }
  // Throws std::out_of_range if there is no such module.
  Type& operator[](size_t index) const { return *modules_.at(index); }

 private:
  std::vector<std::unique_ptr<Type>> modules_;
};

}  // namespace nn

#endif  // NN_MODULE_LIST_H_
