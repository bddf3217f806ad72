#!/usr/bin/env python3
"""Quality of the moons program over ten seeds: runs it once a seed and prints loss, W2 and NLL with their means.

    bazel build //examples:moons && benchmarks/moons_quality.py [flag of the program ...]

Flags that are not this script's, such as --schedule=cosine, are passed on to the program.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile

from scripting import output_of, positive_int

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KEYS = ["loss_last_1000", "w2", "w2_floor", "nll", "train_seconds"]


def parse_arguments():
    """This script's arguments, and the program's."""
    # Without allow_abbrev: an abbreviation may be a flag of the program.
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     allow_abbrev=False)
    parser.add_argument("--seeds", type=positive_int, default=10, help="how many, from 0 on")
    parser.add_argument("--moons", default=os.path.join(ROOT, "bazel-bin", "examples", "moons", "moons"),
                        help="the program")
    arguments, flags = parser.parse_known_args()
    for flag in flags:
        if flag.split("=")[0].lstrip("-") in ("seed", "output_dir"):
            parser.error("%s: the script itself chooses seeds and folders" % flag)
    if not os.path.exists(arguments.moons):
        sys.exit("%s is not there: bazel build //examples:moons" % arguments.moons)
    return arguments, flags


def metrics_of(arguments, flags, seed):
    """What one run of the program says of itself."""
    with tempfile.TemporaryDirectory() as folder:
        command = [arguments.moons, "--output_dir=" + folder, "--seed=%d" % seed] + flags
        output = output_of(command)
        path = os.path.join(folder, "metrics.json")
        metrics = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                metrics = json.load(file)
    missing = [key for key in KEYS if key not in metrics]
    if missing:
        sys.exit("%s\nsays nothing of %s:\n%s" % (" ".join(command), ", ".join(missing), output[-2000:].strip()))
    return metrics


def main():
    arguments, flags = parse_arguments()
    rows = []
    print("seed  " + "  ".join("%14s" % key for key in KEYS), flush=True)
    for seed in range(arguments.seeds):
        rows.append(metrics_of(arguments, flags, seed))
        print("%4d  " % seed + "  ".join("%14.4f" % rows[-1][key] for key in KEYS), flush=True)
    for name, function in [("mean", statistics.mean), ("median", statistics.median)]:
        print("%-6s" % name + "  ".join("%14.4f" % function([row[key] for row in rows]) for key in KEYS))


if __name__ == "__main__":
    main()
