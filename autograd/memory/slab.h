#pragma once
#include <cstdlib>
namespace autograd::internal { inline void* SlabAllocate(size_t n){return malloc(n);} inline void SlabDeallocate(void*p,size_t){free(p);} }
