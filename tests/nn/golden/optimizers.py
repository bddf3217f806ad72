"""Records the trajectories of PyTorch's optimisers in optimizers.json.

    /usr/bin/python3 tests/nn/golden/optimizers.py      (Debian's python3-torch 1.13.1)

Two parameters follow gradients that depend on them (a bowl that is not round, plus recorded noise), so that an error of
one step would show in the next ones. The file holds the start, the noise, and for each case its options and all
parameters after each step.
"""

import json
import os

import torch

STEPS = 25
SHAPES = {"weight": (3, 4), "bias": (5,)}

CASES = [
    ("sgd", torch.optim.SGD, dict(lr=0.05)),
    ("sgd_momentum", torch.optim.SGD, dict(lr=0.02, momentum=0.9)),
    ("sgd_dampening_decay", torch.optim.SGD, dict(lr=0.05, momentum=0.8, dampening=0.3, weight_decay=0.1)),
    ("sgd_nesterov", torch.optim.SGD, dict(lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.01)),
    ("adam", torch.optim.Adam, dict(lr=0.01)),
    ("adam_betas", torch.optim.Adam, dict(lr=0.05, betas=(0.5, 0.9), eps=1e-3)),
    ("adam_decay", torch.optim.Adam, dict(lr=0.02, weight_decay=0.3)),
    ("adamw", torch.optim.AdamW, dict(lr=0.01)),
    ("adamw_decay", torch.optim.AdamW, dict(lr=0.03, weight_decay=0.5, betas=(0.8, 0.95), eps=1e-6)),
    # The gradients' norm is brought down to 0.5 before each step.
    ("adam_clipped", torch.optim.Adam, dict(lr=0.01), 0.5),
    # The bias has a gradient in every third step only.
    ("adam_sparse", torch.optim.Adam, dict(lr=0.01, weight_decay=0.1), None, 3),
]


def stiffness(n):
    return 0.2 + 0.15 * torch.arange(n)


def run(start, noise, optimizer_type, options, max_norm=None, bias_every=1):
    parameters = {name: torch.nn.Parameter(value.clone()) for name, value in start.items()}
    optimizer = optimizer_type(parameters.values(), **options)
    trajectory = []
    for step in range(STEPS):
        optimizer.zero_grad(set_to_none=True)
        for name, p in parameters.items():
            if name == "bias" and step % bias_every:
                continue
            p.grad = stiffness(p.numel()).view(p.shape) * p.detach() + noise[name][step]
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(parameters.values(), max_norm)
        optimizer.step()
        trajectory.append({name: p.detach().flatten().tolist() for name, p in parameters.items()})
    return trajectory


def main():
    torch.manual_seed(1)
    start = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    noise = {name: 0.5 * torch.randn((STEPS, *shape)) for name, shape in SHAPES.items()}
    cases = {}
    for name, optimizer_type, options, *more in CASES:
        cases[name] = run(start, noise, optimizer_type, options, *more)
    golden = {
        "start": {name: value.flatten().tolist() for name, value in start.items()},
        "noise": {name: value.flatten(1).tolist() for name, value in noise.items()},
        "cases": cases,
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimizers.json")
    with open(path, "w", encoding="utf-8") as file:
        # Nine digits tell every f32 apart.
        file.write(json.dumps(json.loads(json.dumps(golden), parse_float=lambda x: float("%.9g" % float(x)))))
        file.write("\n")


if __name__ == "__main__":
    main()
