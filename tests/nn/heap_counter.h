// Counts what a test program takes from the heap with operator new.
#ifndef TESTS_NN_HEAP_COUNTER_H_
#define TESTS_NN_HEAP_COUNTER_H_

#include <cstdint>

namespace nn {

// Calls of operator new since the program began, on all threads.
int64_t HeapAllocations();

}  // namespace nn

#endif  // TESTS_NN_HEAP_COUNTER_H_
