#!/usr/bin/env python3
"""Times our matrix product against OpenBLAS and prints the ratio of the times.

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
import subprocess

TARGETS = {"ours": "gemm_benchmark", "openblas": "openblas_benchmark"}


def run(path, arguments):
    """{name: microseconds of each repetition} of one run of a benchmark."""
    command = [path, "--benchmark_format=json", f"--benchmark_filter={arguments.filter}",
               f"--benchmark_repetitions={arguments.repetitions}",
               f"--benchmark_min_time={arguments.min_time}"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL).stdout
    times = {}
    for b in json.loads(output)["benchmarks"]:
        if b["run_type"] == "iteration":
            name = b["run_name"].replace("/real_time", "")
            time = b["cpu_time"] if name.endswith("/1") else b["real_time"]
            times.setdefault(name, []).append(time)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--filter", default=".")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--min_time", default="0.01", help="seconds for each repetition")
    arguments = parser.parse_args()
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    subprocess.run(["bazel", "build", "--noshow_progress"] +
                   [f"//benchmarks:{t}" for t in TARGETS.values()], check=True, cwd=root)
    times = {"ours": {}, "openblas": {}}
    for _ in range(arguments.rounds):
        for who, target in TARGETS.items():
            path = os.path.join(root, "bazel-bin", "benchmarks", target)
            for name, repetitions in run(path, arguments).items():
                times[who].setdefault(name, []).extend(repetitions)
    print(f"{'case/threads':28}{'ours us':>12}{'OpenBLAS us':>14}{'best':>8}{'median':>8}")
    for name, ours in times["ours"].items():
        theirs = times["openblas"][name]
        print(f"{name:28}{min(ours):12.2f}{min(theirs):14.2f}{min(theirs) / min(ours):8.3f}"
              f"{statistics.median(theirs) / statistics.median(ours):8.3f}")


if __name__ == "__main__":
    main()
