#!/usr/bin/env python3
"""How long a training step of the MNIST program's UNet takes here and in PyTorch, in the same run, and its memory.

    tools/setup.sh --benchmarks
    bazel build //benchmarks:train_step && benchmarks/unet_vs_pytorch.py

Every measurement is a process of its own; ours and PyTorch's in both memory formats (NCHW and channels last) take
turns. Of each process the median of its steps counts, and of those the median over the rounds. The last line of the
output is one JSON object. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = "flow_autograd"
THEIRS = ("pytorch nchw", "pytorch nhwc")


def last_line(command):
    """The JSON object a program prints last; stops with its own words if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode != 0:
        sys.exit("%s\nended with status %d:\n%s" % (" ".join(command), done.returncode, done.stdout[-2000:]))
    return json.loads(done.stdout.strip().splitlines()[-1])


def command_for(arguments, side, threads):
    if side == OURS:
        return [arguments.train_step, "--model=unet", "--batch_size=%d" % arguments.batch_size,
                "--threads=%d" % threads, "--steps=%d" % arguments.steps]
    script = os.path.join(ROOT, "benchmarks", "pytorch", "unet.py")
    return [arguments.python, script, str(threads), str(arguments.batch_size), str(arguments.steps), side.split()[1]]


def measure(arguments):
    """{(side, threads): [the program's JSON, one for each round]}"""
    figures = {(side, threads): [] for threads in arguments.threads for side in (OURS, *THEIRS)}
    for number in range(arguments.rounds):
        for side, threads in figures:
            figures[side, threads].append(last_line(command_for(arguments, side, threads)))
            print("round %d  %-13s  %d threads  %9.1f ms  %6.0f MB" % (
                number + 1, side, threads, figures[side, threads][-1]["median_ms"],
                figures[side, threads][-1]["peak_memory_bytes"] / 1e6), flush=True)
    return figures


def report(arguments, figures):
    """Prints the table; returns what the JSON line holds."""
    result = {"batch_size": arguments.batch_size, "rounds": arguments.rounds, "steps": arguments.steps, "sides": []}
    print("\n%-13s  %7s  %9s  %9s  %9s  %s" % ("", "threads", "ms", "images/s", "peak MB", "time, memory of ours"))
    ours = {}
    for (side, threads), runs in figures.items():
        milliseconds = statistics.median(run["median_ms"] for run in runs)
        memory = statistics.median(run["peak_memory_bytes"] for run in runs)
        if side == OURS:
            ours[threads] = milliseconds, memory
        ratios = milliseconds / ours[threads][0], memory / ours[threads][1]
        print("%-13s  %7d  %9.1f  %9.1f  %9.0f  %.2f x, %.2f x" % (
            side, threads, milliseconds, 1e3 * arguments.batch_size / milliseconds, memory / 1e6, *ratios))
        result["sides"].append({"side": side, "threads": threads, "median_ms": milliseconds,
                                "peak_memory_bytes": memory, "times_ours": round(ratios[0], 3),
                                "memory_times_ours": round(ratios[1], 3)})
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch_size", type=int, default=256)
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--steps", type=int, default=3, help="timed steps of each process")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--train_step", default=os.path.join(ROOT, "bazel-bin", "benchmarks", "train_step"),
                        help="our program")
    parser.add_argument("--python", default="/usr/bin/python3", help="a Python with torch")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.train_step):
        sys.exit("%s is not there: bazel build //benchmarks:train_step" % arguments.train_step)
    if subprocess.run([arguments.python, "-c", "import torch"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        sys.exit("%s has no torch: tools/setup.sh --benchmarks" % arguments.python)
    print(json.dumps(report(arguments, measure(arguments))))


if __name__ == "__main__":
    main()
