#!/usr/bin/env python3
"""How long an iteration of the two-moons training takes here and in PyTorch, in the same run.

    tools/setup.sh --benchmarks
    bazel build //examples:moons && benchmarks/moons_vs_pytorch.py

Both sides run as programs of their own and are timed from outside, as wall time of 11,000 iterations minus that of
1,000, so that starting, sampling and plotting cancel. Runs of the two sides alternate. An iteration includes drawing
its batch. Each side has the thread count that suits it best, of those in --threads; medians over the rounds.

The last line of the output is one JSON object. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time

from scripting import output_of, positive_int, require_modules

SHORT, LONG = 1000, 11000
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def wall_seconds(command):
    start = time.perf_counter()
    output_of(command)
    return time.perf_counter() - start


def microseconds_per_iteration(command_for):
    """command_for(iterations) is the program to time."""
    short = wall_seconds(command_for(SHORT))
    return (wall_seconds(command_for(LONG)) - short) / (LONG - SHORT) * 1e6


def contenders(arguments, output_dir):
    """{(side, threads): command_for}"""
    def ours(threads):
        return lambda iterations: [arguments.moons, "--iterations=%d" % iterations, "--threads=%d" % threads,
                                   "--output_dir=" + output_dir]

    def theirs(threads):
        script = os.path.join(ROOT, "benchmarks", "pytorch", "moons.py")
        return lambda iterations: [arguments.python, script, str(threads), str(iterations)]

    return {(side, threads): command_for(threads) for threads in arguments.threads
            for side, command_for in (("flow_autograd", ours), ("pytorch", theirs))}


def measure(arguments):
    """{(side, threads): [microseconds per iteration, one for each round]}"""
    with tempfile.TemporaryDirectory() as output_dir:
        commands = contenders(arguments, output_dir)
        figures = {key: [] for key in commands}
        for number in range(arguments.rounds):
            for key, command_for in commands.items():
                figures[key].append(microseconds_per_iteration(command_for))
                print("round %d  %-13s  %d threads  %8.1f us" % (number + 1, *key, figures[key][-1]), flush=True)
    return figures


def report(figures):
    """Prints the table; returns what the JSON line holds."""
    medians = {key: statistics.median(values) for key, values in figures.items()}
    print("\n%-13s  %7s  %12s  %s" % ("", "threads", "us/iteration", "rounds"))
    for (side, threads), values in figures.items():
        print("%-13s  %7d  %12.1f  %s" % (side, threads, medians[side, threads], " ".join("%.1f" % v for v in values)))
    best = {side: min(value for (other, _), value in medians.items() if other == side)
            for side in ("flow_autograd", "pytorch")}
    ratios = {str(threads): round(best["pytorch"] / value, 2)
              for (side, threads), value in medians.items() if side == "flow_autograd"}
    for threads, ratio in ratios.items():
        print("flow_autograd on %s threads: 1/%.1f of PyTorch's best" % (threads, ratio))
    return {
        "microseconds_per_iteration": {side: {str(t): round(medians[side, t], 2) for s, t in medians if s == side}
                                       for side in best},
        "pytorch_best": round(best["pytorch"], 2),
        "times_faster": ratios,
        "rounds": len(next(iter(figures.values()))),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive_int, default=3)
    parser.add_argument("--threads", type=positive_int, nargs="+", default=[1, 2],
                        help="thread counts to try on each side")
    parser.add_argument("--moons", default=os.path.join(ROOT, "bazel-bin", "examples", "moons", "moons"),
                        help="our program")
    parser.add_argument("--python", default="/usr/bin/python3", help="a Python with torch and sklearn")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.moons):
        sys.exit("%s is not there: bazel build //examples:moons" % arguments.moons)
    require_modules(arguments.python, ["torch", "sklearn"])
    print(json.dumps(report(measure(arguments))))


if __name__ == "__main__":
    main()
