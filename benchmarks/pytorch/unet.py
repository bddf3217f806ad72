"""Training steps of the MNIST program's UNet in PyTorch: the yardstick that benchmarks/unet_vs_pytorch.py times.

The same steps as `bazel run //benchmarks:train_step`: noise, times and labels drawn, the class-conditioned UNet of 1.7
million parameters, mean squared error of the velocity, AdamW with rate 1e-3, a moving average of the parameters. The
network is the twin that the tests hold ours against, in f32. Prints one line of JSON.

usage: unet.py THREADS BATCH_SIZE STEPS nchw|nhwc
"""

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

WARMUP = 2
DECAY = 0.9999


def main():
    if len(sys.argv) != 5 or sys.argv[4] not in ("nchw", "nhwc"):
        sys.exit(__doc__)
    threads, batch, steps = map(int, sys.argv[1:4])
    layout = torch.channels_last if sys.argv[4] == "nhwc" else torch.contiguous_format
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = twin.ClassConditioned(twin.CASES["mnist"]).to(memory_format=layout)
    average = copy.deepcopy(net)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    x1 = (torch.rand(batch, 1, 28, 28) * 2 - 1).to(memory_format=layout)

    def step():
        x0 = torch.randn_like(x1)
        t = torch.randint(0, 1000, (batch,)) / 1000
        labels = torch.randint(0, 11, (batch,))
        at = t[:, None, None, None]
        loss = F.mse_loss(net(at * x1 + (1 - at) * x0, t, labels), x1 - x0)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for mean, value in zip(average.parameters(), net.parameters()):
                mean.lerp_(value, 1 - DECAY)
        return loss.item()

    seconds = []
    for number in range(WARMUP + steps):
        start = time.perf_counter()
        step()
        if number >= WARMUP:
            seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    print(json.dumps({
        "model": "unet", "batch_size": batch, "threads": threads, "steps": steps, "median_ms": round(1e3 * median, 2),
        "min_ms": round(1e3 * min(seconds), 2), "images_per_second": round(batch / median, 2),
        "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "format": sys.argv[4]}))


if __name__ == "__main__":
    main()
