"""Records the training of a small network by PyTorch in training.json.

    /usr/bin/python3 tests/nn/golden/training.py      (Debian's python3-torch 1.13.1)

The file holds the state dict the network starts from, the batch, the loss of each step and the state dict after the
last one.
"""

import json
import os

import torch
from torch import nn

STEPS = 25


def values(state):
    return {name: tensor.flatten().tolist() for name, tensor in state.items()}


def main():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(3, 16), nn.ELU(), nn.Linear(16, 16), nn.ELU(), nn.Linear(16, 2))
    x, target = torch.randn(32, 3), torch.randn(32, 2)
    golden = {"start": values(net.state_dict()), "x": x.flatten().tolist(), "target": target.flatten().tolist()}
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = ((net(x) - target) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    golden["losses"] = losses
    golden["end"] = values(net.state_dict())
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "training.json")
    with open(path, "w", encoding="utf-8") as file:
        # Nine digits tell every f32 apart.
        file.write(json.dumps(json.loads(json.dumps(golden), parse_float=lambda v: float("%.9g" % float(v)))))
        file.write("\n")


if __name__ == "__main__":
    main()
