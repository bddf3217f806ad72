"""Records embeddings of times computed by PyTorch in time_embedding.json.

    /usr/bin/python3 tests/nn/golden/time_embedding.py      (Debian's python3-torch 1.13.1)

The embeddings follow the definitions of the diffusers library's Timesteps and GaussianFourierProjection, in f32 step by
step as they are computed there.
"""

import json
import math
import os

import torch

TIMES = [0.0, 0.001, 0.5, 1.0, 7.0, 250.0, 999.0]
CASES = [
    {"size": 32, "cos_first": True, "frequency_shift": 0, "scale": 1, "max_period": 10000},
    {"size": 32, "cos_first": False, "frequency_shift": 1, "scale": 1, "max_period": 10000},
    {"size": 7, "cos_first": True, "frequency_shift": 0.5, "scale": 0.25, "max_period": 100},
]


def join(angles, cos_first):
    parts = [torch.cos(angles), torch.sin(angles)]
    return torch.cat(parts if cos_first else parts[::-1], dim=-1)


def sinusoidal(times, case):
    count = case["size"] // 2
    exponents = torch.arange(count, dtype=torch.float32) * -math.log(case["max_period"])
    frequencies = torch.exp(exponents / (count - case["frequency_shift"]))
    waves = join(case["scale"] * (times[:, None] * frequencies[None, :]), case["cos_first"])
    return torch.nn.functional.pad(waves, (0, case["size"] % 2))


def main():
    times = torch.tensor(TIMES)
    cases = [dict(case, values=sinusoidal(times, case).flatten().tolist()) for case in CASES]
    torch.manual_seed(1)
    weight, levels = torch.randn(4) * 2, torch.tensor([0.001, 0.3, 1.0, 80.0])
    fourier = join(torch.log(levels)[:, None] * weight[None, :] * 2 * math.pi, False)
    golden = {
        "times": times.tolist(),
        "sinusoidal": cases,
        "fourier": {"weight": weight.tolist(), "times": levels.tolist(), "values": fourier.flatten().tolist()},
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "time_embedding.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(golden, file)
        file.write("\n")


if __name__ == "__main__":
    main()
