#!/usr/bin/python3
"""The MNIST program's UNet in PyTorch: the yardstick that benchmarks/unet_vs_pytorch.py times.

`train`: the same steps as `bazel run //benchmarks:train_step`: noise, times and labels drawn, the class-conditioned
UNet of 1.7 million parameters, mean squared error of the velocity, AdamW with rate 1e-3, a moving average of the
parameters. `sample`: the same as `bazel run //benchmarks:sample`: 50 Euler steps with guidance 4, both halves of the
guidance as one batch. The network is the twin that the tests hold ours against; bf16 is torch.autocast's. Prints one
line of JSON. For Debian's Python, which tools/setup.sh --benchmarks gives torch.

    benchmarks/pytorch/unet.py sample --threads=2 --format=nchw
"""

import argparse
import copy
import json
import os
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "flowmatch", "models", "golden"))
import class_conditioned_unet as twin  # noqa: E402

sys.path.insert(0, os.path.join(ROOT, "benchmarks"))
from scripting import positive_int  # noqa: E402

WARMUP = {"train": 2, "sample": 1}
BATCH_SIZE = {"train": 256, "sample": 44}
DECAY = 0.9999
EULER_STEPS = 50
GUIDANCE = 4


def norms_in_f32(net):
    """GroupNorm on f32, as autocast has it in newer versions; PyTorch 1.13 leaves it out and then fails."""
    for module in net.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.forward = (lambda x, m=module: F.group_norm(x.float(), m.num_groups, m.weight, m.bias, m.eps))


def make_train(net, batch, layout, cast):
    average = copy.deepcopy(net)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    x1 = (torch.rand(batch, 1, 28, 28) * 2 - 1).to(memory_format=layout)

    def step():
        x0 = torch.randn_like(x1)
        t = torch.randint(0, 1000, (batch,)) / 1000
        labels = torch.randint(0, 11, (batch,))
        at = t[:, None, None, None]
        with cast():
            velocity = net(at * x1 + (1 - at) * x0, t, labels)
        loss = F.mse_loss(velocity.float(), x1 - x0)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for mean, value in zip(average.parameters(), net.parameters()):
                mean.lerp_(value, 1 - DECAY)
        return loss.item()

    return step


def make_sample(net, batch, layout, cast):
    net.eval()
    noise = torch.randn(batch, 1, 28, 28).to(memory_format=layout)
    labels = torch.cat((1 + torch.arange(batch) % 10, torch.zeros(batch, dtype=torch.long)))

    def step():
        x = noise
        with torch.inference_mode(), cast():
            for number in range(EULER_STEPS):
                t = torch.full((2 * batch,), number / EULER_STEPS)
                both = net(torch.cat((x, x)), t, labels).float()
                conditional, null = both[:batch], both[batch:]
                x = x + (null + GUIDANCE * (conditional - null)) / EULER_STEPS
        return x

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["train", "sample"])
    parser.add_argument("--threads", type=positive_int, default=1)
    parser.add_argument("--batch_size", type=positive_int,
                        help="images, %(train)d to train and %(sample)d to sample if not given" % BATCH_SIZE)
    parser.add_argument("--steps", type=positive_int, default=3)
    parser.add_argument("--format", choices=["nchw", "nhwc"], default="nchw")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    arguments = parser.parse_args()
    batch_size = arguments.batch_size or BATCH_SIZE[arguments.mode]
    layout = torch.channels_last if arguments.format == "nhwc" else torch.contiguous_format
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    net = twin.ClassConditioned(twin.CASES["mnist"]).to(memory_format=layout)

    if arguments.dtype == "bf16":
        norms_in_f32(net)

    def cast():
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=arguments.dtype == "bf16")

    make = make_train if arguments.mode == "train" else make_sample
    step = make(net, batch_size, layout, cast)
    seconds = []
    for number in range(WARMUP[arguments.mode] + arguments.steps):
        start = time.perf_counter()
        step()
        if number >= WARMUP[arguments.mode]:
            seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    print(json.dumps({
        "model": "unet", "mode": arguments.mode, "dtype": arguments.dtype, "batch_size": batch_size,
        "threads": arguments.threads, "steps": arguments.steps, "median_ms": round(1e3 * median, 2),
        "min_ms": round(1e3 * min(seconds), 2), "images_per_second": round(batch_size / median, 2),
        "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "format": arguments.format}))


if __name__ == "__main__":
    main()
