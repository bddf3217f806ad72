// How the programs of this folder begin and end: flags are read strictly, and what is thrown ends
// the program with one line "program: message" on standard error and an exit code.
//
// Example:
//   ABSL_FLAG(int, threads, 0, "threads; 0 for all processors");
//   int main(int argc, char** argv) {
//     return benchmarks::RunProgram(argc, argv, "Times steps.", [] { ... });
//   }
#ifndef BENCHMARKS_PROGRAM_H_
#define BENCHMARKS_PROGRAM_H_

#include <functional>
#include <string>

namespace benchmarks {

// Parses the flags and calls `work`. The exit code, for main to return: 0 also after --help, which
// prints `about` and the flags; 2 if something was asked for that cannot be done (an unknown flag,
// a value that cannot be read, or `work` threw std::invalid_argument); 1 for other exceptions.
int RunProgram(int argc, char** argv, const std::string& about, const std::function<void()>& work);

// The part of RunProgram that calls `work`.
int ExitCodeOf(const std::function<void()>& work);

}  // namespace benchmarks

#endif  // BENCHMARKS_PROGRAM_H_
