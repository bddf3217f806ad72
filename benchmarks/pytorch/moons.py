#!/usr/bin/python3
"""The two-moons flow in PyTorch: the yardstick that benchmarks/moons_vs_pytorch.py times.

The same training as `bazel run //examples:moons` with its defaults: an ELU network 3-64-64-64-2, Adam with rate 1e-2,
batches of 256 fresh points (scikit-learn's make_moons, noise 0.05), linear paths from normal noise, mean squared error
of the velocity. Written as PyTorch's tutorials write it. For Debian's Python, which tools/setup.sh --benchmarks gives
torch and scikit-learn.

    benchmarks/pytorch/moons.py 1 10000
"""

import argparse
import os
import sys
import time

import torch
from sklearn.datasets import make_moons
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from scripting import positive_int  # noqa: E402

BATCH_SIZE = 256


class Flow(nn.Module):
    """The velocity v(x, t)."""

    def __init__(self, dim=2, hidden=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(dim + 1, hidden), nn.ELU(),
            nn.Linear(hidden, hidden), nn.ELU(),
            nn.Linear(hidden, hidden), nn.ELU(),
            nn.Linear(hidden, dim))

    def forward(self, x, t):
        return self.net(torch.cat((t, x), -1))


def train(iterations):
    """Returns the last loss."""
    flow = Flow()
    optimizer = torch.optim.Adam(flow.parameters(), 1e-2)
    loss_function = nn.MSELoss()
    for _ in range(iterations):
        x1 = torch.tensor(make_moons(BATCH_SIZE, noise=0.05)[0], dtype=torch.float32)
        x0 = torch.randn_like(x1)
        t = torch.rand(len(x1), 1)
        xt = (1 - t) * x0 + t * x1
        optimizer.zero_grad()
        loss = loss_function(flow(xt, t), x1 - x0)
        loss.backward()
        optimizer.step()
    return loss.item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("threads", type=positive_int)
    parser.add_argument("iterations", type=positive_int)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    start = time.perf_counter()
    loss = train(arguments.iterations)
    seconds = time.perf_counter() - start
    print("%d iterations on %d threads: %.1f us each, last loss %.4f" %
          (arguments.iterations, arguments.threads, seconds / arguments.iterations * 1e6, loss))


if __name__ == "__main__":
    main()
