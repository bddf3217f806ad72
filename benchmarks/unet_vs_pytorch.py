#!/usr/bin/env python3
"""How long training steps and guided sampling of the MNIST program's UNet take here and in PyTorch, in the same run.

    tools/setup.sh --benchmarks
    bazel build //benchmarks:train_step //benchmarks:sample && benchmarks/unet_vs_pytorch.py
    benchmarks/unet_vs_pytorch.py --mode train --dtype f32 bf16 --batch_size 64 256
    benchmarks/unet_vs_pytorch.py --mode sample

Every measurement is a process of its own; the sides take turns. Of each process the median of its steps counts, and of
those the median over the rounds. PyTorch runs in both memory formats (NCHW and channels last) and on every number of
threads up to ours, and its best of them is what ours is compared with: the table has a line for each mode, dtype, batch
size and number of threads, with the times of both and their ratio. bf16 is torch.autocast there. With --isa avx2 both
sides keep to AVX2. The last line of the output is one JSON object. Nothing else should run on the machine meanwhile.
"""

import argparse
import itertools
import json
import os
import statistics
import sys

from scripting import natural_int, output_of, positive_int, require_modules

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FORMATS = ("nchw", "nhwc")
PROGRAMS = {"train": "train_step", "sample": "sample"}
SAMPLES = 44  # images of a grid of the program
# What keeps each side, and the libraries PyTorch calls, to an instruction set.
ISAS = {"avx2": {"AUTOGRAD_ISA": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "DNNL_MAX_CPU_ISA": "AVX2",
                 "MKL_ENABLE_INSTRUCTIONS": "AVX2"}}


def last_line(command, isa):
    """The JSON object a program prints last."""
    output = output_of(command, env=dict(os.environ, **ISAS.get(isa, {})))
    return json.loads(output.strip().splitlines()[-1])


def our_command(arguments, case, threads):
    mode, dtype, batch = case
    steps = arguments.steps if mode == "train" else 1
    command = [os.path.join(arguments.programs, PROGRAMS[mode]), "--dtype=" + dtype, "--batch_size=%d" % batch,
               "--threads=%d" % threads, "--steps=%d" % steps]
    return command + (["--chunk_size=%d" % arguments.chunk_size] if arguments.chunk_size is not None else [])


def their_command(arguments, case, threads, layout):
    mode, dtype, batch = case
    steps = arguments.steps if mode == "train" else 1
    return [arguments.python, os.path.join(ROOT, "benchmarks", "pytorch", "unet.py"), mode, "--threads=%d" % threads,
            "--batch_size=%d" % batch, "--steps=%d" % steps, "--format=" + layout, "--dtype=" + dtype]


def commands_for(arguments, case):
    """{(side, threads): command}; a side is "ours" or one of PyTorch's formats."""
    commands = {("ours", threads): our_command(arguments, case, threads) for threads in arguments.threads}
    for threads, layout in itertools.product(range(1, max(arguments.threads) + 1), FORMATS):
        commands[layout, threads] = their_command(arguments, case, threads, layout)
    return commands


def measure(arguments, case):
    """{(side, threads): (milliseconds, peak memory in bytes)}, medians over the rounds."""
    commands = commands_for(arguments, case)
    runs = {key: [] for key in commands}
    for number in range(arguments.rounds):
        for (side, threads), command in commands.items():
            run = last_line(command, arguments.isa)
            runs[side, threads].append(run)
            print("round %d  %-6s %-4s  batch %4d  %-12s  %d threads  %9.1f ms  %6.0f MB" % (
                (number + 1,) + case + (side if side == "ours" else "pytorch " + side, threads, run["median_ms"],
                                        run["peak_memory_bytes"] / 1e6)), flush=True)
    return {key: tuple(statistics.median(run[field] for run in done) for field in ("median_ms", "peak_memory_bytes"))
            for key, done in runs.items()}


def compare(case, threads, figures):
    """A row of the table: ours on some threads beside PyTorch's best on as many or fewer."""
    mode, dtype, batch = case
    ours = figures["ours", threads]
    best = min((key for key in figures if key[0] != "ours" and key[1] <= threads), key=lambda key: figures[key][0])
    theirs = figures[best]
    return {"mode": mode, "dtype": dtype, "batch_size": batch, "threads": threads, "ms": ours[0],
            "peak_memory_bytes": ours[1], "pytorch_ms": theirs[0], "pytorch_peak_memory_bytes": theirs[1],
            "pytorch_format": best[0], "pytorch_threads": best[1], "ratio": round(theirs[0] / ours[0], 3),
            "memory_ratio": round(theirs[1] / ours[1], 3)}


def print_table(rows, isa):
    print("\n%-6s  %-5s  %5s  %7s  %9s  %8s  %10s  %-14s  %6s  %6s%s" % (
        "mode", "dtype", "batch", "threads", "ours ms", "images/s", "pytorch ms", "at its best", "times", "memory",
        "  (both sides: %s)" % isa if isa else ""))
    for row in rows:
        print("%-6s  %-5s  %5d  %7d  %9.1f  %8.1f  %10.1f  %-14s  %5.2fx  %5.2fx" % (
            row["mode"], row["dtype"], row["batch_size"], row["threads"], row["ms"],
            1e3 * row["batch_size"] / row["ms"], row["pytorch_ms"],
            "%s, %d thread%s" % (row["pytorch_format"], row["pytorch_threads"],
                                 "" if row["pytorch_threads"] == 1 else "s"), row["ratio"], row["memory_ratio"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", nargs="+", choices=list(PROGRAMS), default=["train"])
    parser.add_argument("--dtype", nargs="+", choices=["f32", "bf16"], default=["f32"])
    parser.add_argument("--batch_size", type=positive_int, nargs="+", default=[256],
                        help="of training; sampling draws %d images" % SAMPLES)
    parser.add_argument("--threads", type=positive_int, nargs="+", default=[2])
    parser.add_argument("--chunk_size", type=natural_int, help="of our side; without it the program's own")
    parser.add_argument("--steps", type=positive_int, default=3, help="timed steps of each process that trains")
    parser.add_argument("--rounds", type=positive_int, default=3)
    parser.add_argument("--isa", choices=list(ISAS), help="keep both sides to an instruction set")
    parser.add_argument("--programs", default=os.path.join(ROOT, "bazel-bin", "benchmarks"),
                        help="folder of train_step and sample")
    parser.add_argument("--python", default="/usr/bin/python3", help="a Python with torch")
    arguments = parser.parse_args()
    for mode in arguments.mode:
        if not os.path.exists(os.path.join(arguments.programs, PROGRAMS[mode])):
            sys.exit("%s is not there: bazel build //benchmarks:%s" % (
                os.path.join(arguments.programs, PROGRAMS[mode]), PROGRAMS[mode]))
    require_modules(arguments.python, ["torch"])
    rows = []
    for mode, dtype in itertools.product(arguments.mode, arguments.dtype):
        for batch in arguments.batch_size if mode == "train" else [SAMPLES]:
            case = (mode, dtype, batch)
            figures = measure(arguments, case)
            rows += [compare(case, threads, figures) for threads in arguments.threads]
    print_table(rows, arguments.isa)
    print(json.dumps({"rounds": arguments.rounds, "steps": arguments.steps, "isa": arguments.isa, "rows": rows}))


if __name__ == "__main__":
    main()
