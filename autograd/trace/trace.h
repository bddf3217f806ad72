// A trace of operations in Chrome's trace format (chrome://tracing, ui.perfetto.dev): name, shapes,
// microseconds.
//
// Off by default. AUTOGRAD_TRACE=FILE.json in the environment records the whole program and writes
// the file when it exits; StartTrace and StopTrace record a part. Backward events carry the
// operation's name and " backward".
//
// Example:
//   #include "autograd/ops/arithmetic.h"
//   #include "autograd/ops/creation.h"
//   StartTrace();
//   Tensor y = Ones({2, 2}) + 1.0;
//   // {"traceEvents": [{"name": "Full", ...}, {"name": "Affine", ...}]}
//   std::string json = StopTrace();
#ifndef AUTOGRAD_TRACE_TRACE_H_
#define AUTOGRAD_TRACE_TRACE_H_

#include <string>

namespace autograd {

// Starts recording in all threads, and forgets what was recorded before.
void StartTrace();

// Stops recording and returns the events as JSON. Empty events if no trace was running.
std::string StopTrace();

}  // namespace autograd

#endif  // AUTOGRAD_TRACE_TRACE_H_
