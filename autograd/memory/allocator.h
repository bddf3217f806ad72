#pragma once
#include <cstdlib>
namespace autograd { inline void* Allocate(size_t n){return aligned_alloc(64,(n+63)/64*64);} inline void Deallocate(void*p,size_t){free(p);} }
