#!/usr/bin/env python3
"""Times our matrix product against OpenBLAS and prints the ratio of the times.

    tools/setup.sh --benchmarks
    benchmarks/gemm_vs_openblas.py [--rounds=5] [--repetitions=20] [--filter=f32]

The two programs run in turns, so that a change of the machine's speed meets both, and time each
case in many short repetitions. A ratio above 1 means that ours is faster; "best" compares the
fastest repetition of each, "median" the middle one. On a machine that others use, trust "best", and
two threads not at all: one that waits for a thread without a processor measures the others. Cases
of one thread count processor time, which leaves out the others' turns, the rest wall time.
"""

import argparse
import json
import os
import statistics

from scripting import output_of, positive_float, positive_int

TARGETS = {"ours": "gemm_benchmark", "openblas": "openblas_benchmark"}


def run(path, arguments):
    """{name: microseconds of each repetition} of one run of a benchmark."""
    command = [path, "--benchmark_format=json", f"--benchmark_filter={arguments.filter}",
               f"--benchmark_repetitions={arguments.repetitions}",
               f"--benchmark_min_time={arguments.min_time}"]
    times = {}
    for b in json.loads(output_of(command))["benchmarks"]:
        if b["run_type"] == "iteration":
            name = b["run_name"].replace("/real_time", "")
            time = b["cpu_time"] if name.endswith("/1") else b["real_time"]
            times.setdefault(name, []).append(time)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive_int, default=5, help="turns of each program")
    parser.add_argument("--filter", default="^f(32|64)/", help="regular expression of the cases to time")
    parser.add_argument("--repetitions", type=positive_int, default=20, help="of each case in a turn")
    parser.add_argument("--min_time", type=positive_float, default=0.01, help="seconds for each repetition")
    arguments = parser.parse_args()
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    output_of(["bazel", "build", "--noshow_progress"] + [f"//benchmarks:{t}" for t in TARGETS.values()], cwd=root)
    times = {"ours": {}, "openblas": {}}
    for _ in range(arguments.rounds):
        for who, target in TARGETS.items():
            path = os.path.join(root, "bazel-bin", "benchmarks", target)
            for name, repetitions in run(path, arguments).items():
                times[who].setdefault(name, []).extend(repetitions)
    print(f"{'case/threads':28}{'ours us':>12}{'OpenBLAS us':>14}{'best':>8}{'median':>8}")
    for name, ours in times["ours"].items():
        if name not in times["openblas"]:
            continue
        theirs = times["openblas"][name]
        print(f"{name:28}{min(ours):12.2f}{min(theirs):14.2f}{min(theirs) / min(ours):8.3f}"
              f"{statistics.median(theirs) / statistics.median(ours):8.3f}")


if __name__ == "__main__":
    main()
