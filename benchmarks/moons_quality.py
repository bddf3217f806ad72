#!/usr/bin/env python3
"""Quality of the moons program over ten seeds: runs it once a seed and prints loss, W2 and NLL with their means.

Usage: benchmarks/moons_quality.py [flag of the program ...], after `bazel build //examples:moons`. Flags such as
--schedule=cosine are passed on.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

PROGRAM = os.environ.get("MOONS", "bazel-bin/examples/moons/moons")
SEEDS = 10
KEYS = ["loss_last_1000", "w2", "w2_floor", "nll", "train_seconds"]


def main():
    rows = []
    print("seed  " + "  ".join("%14s" % key for key in KEYS))
    for seed in range(SEEDS):
        with tempfile.TemporaryDirectory() as folder:
            command = [PROGRAM, "--output_dir=" + folder, "--seed=%d" % seed] + sys.argv[1:]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open(os.path.join(folder, "metrics.json")) as file:
                rows.append(json.load(file))
        print("%4d  " % seed + "  ".join("%14.4f" % rows[-1][key] for key in KEYS), flush=True)
    for name, function in [("mean", statistics.mean), ("median", statistics.median)]:
        print("%-6s" % name + "  ".join("%14.4f" % function([row[key] for row in rows]) for key in KEYS))


if __name__ == "__main__":
    main()
