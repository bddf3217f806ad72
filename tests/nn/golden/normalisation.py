"""Records normalisation layers of PyTorch in normalisation.json.

    /usr/bin/python3 tests/nn/golden/normalisation.py      (Debian's python3-torch 1.13.1)

Each case holds its options, the parameters, and for each step (with all images as [B, H, W, C]) the input, the result,
and the gradients of the input and the parameters for the sum of the result's squares; batch normalisation also its
buffers after the step. Three steps of training, then one of evaluation.
"""

import json
import os

import torch

CASES = [
    ("group_norm", torch.nn.GroupNorm(3, 6), (2, 6, 3, 4)),
    ("group_norm", torch.nn.GroupNorm(4, 4, eps=0.1), (3, 4, 2, 2)),
    ("layer_norm", torch.nn.LayerNorm(5), (2, 5, 2, 3)),
    ("batch_norm", torch.nn.BatchNorm2d(3), (2, 3, 4, 2)),
    ("batch_norm", torch.nn.BatchNorm2d(3, eps=0.01, momentum=0.3), (2, 3, 3, 1)),
    ("batch_norm", torch.nn.BatchNorm2d(2, momentum=None), (4, 2, 1, 1)),
    ("batch_norm", torch.nn.BatchNorm2d(2, track_running_stats=False), (4, 2, 2, 1)),
]


def channels_last(tensor):
    return tensor.permute(0, 2, 3, 1).contiguous()


def run(name, layer, shape):
    layer.double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    case = {
        "layer": name,
        "eps": layer.eps,
        "groups": getattr(layer, "num_groups", 1),
        "momentum": getattr(layer, "momentum", None),
        "tracks": getattr(layer, "track_running_stats", False),
        "shape": list(channels_last(torch.zeros(shape)).shape),
        "weight": layer.weight.tolist(),
        "bias": layer.bias.tolist(),
        "steps": [],
    }
    for step in range(4):
        layer.train(step < 3)
        layer.zero_grad()
        image = (3 * torch.randn(shape, dtype=torch.float64) + 2).requires_grad_()
        result = layer(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) if name == "layer_norm" else layer(image)
        (result**2).sum().backward()
        case["steps"].append(
            {
                "training": step < 3,
                "input": channels_last(image).flatten().tolist(),
                "result": channels_last(result).flatten().tolist(),
                "input_gradient": channels_last(image.grad).flatten().tolist(),
                "weight_gradient": layer.weight.grad.tolist(),
                "bias_gradient": layer.bias.grad.tolist(),
                "buffers": {key: value.tolist() for key, value in layer.named_buffers()},
            }
        )
    return case


def main():
    torch.manual_seed(1)
    golden = [run(*case) for case in CASES]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "normalisation.json")
    with open(path, "w", encoding="utf-8") as file:
        # Twelve digits are more than the test asks for.
        file.write(json.dumps(json.loads(json.dumps(golden), parse_float=lambda x: float("%.12g" % float(x)))))
        file.write("\n")


if __name__ == "__main__":
    main()
