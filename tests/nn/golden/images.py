"""Records resampling and pooling by PyTorch in images.json.

    /usr/bin/python3 tests/nn/golden/images.py      (Debian's python3-torch 1.13.1)

Each case holds its options and, with all images as [B, H, W, C], the input, the result, and the gradient of the input
for the sum of the result's squares.
"""

import json
import os

import torch
import torch.nn.functional as F

# (height, width) from and to.
SIZES = [((2, 3), (4, 6)), ((7, 5), (14, 14)), ((3, 10), (7, 23)), ((9, 6), (4, 1)), ((1, 4), (3, 4)), ((29, 1), (50, 9))]
# kernel, stride, padding, (height, width).
WINDOWS = [
    ((2, 2), (2, 2), (0, 0), (6, 5)),
    ((3, 3), (1, 1), (1, 1), (4, 4)),
    ((3, 2), (2, 3), (1, 0), (7, 8)),
    ((5, 4), (2, 2), (2, 2), (6, 3)),
    ((1, 2), (2, 1), (0, 1), (5, 4)),
]


def run(function, size, ties=False):
    image = torch.randn(1, 2, *size)
    if ties:
        image = torch.round(image)
    image.requires_grad_()
    result = function(image)
    (result**2).sum().backward()

    def channels_last(tensor):
        return tensor.permute(0, 2, 3, 1).flatten().tolist()

    return {
        "shape": [1, *size, 2],
        "input": channels_last(image),
        "result_shape": [1, *result.shape[2:], 2],
        "result": channels_last(result),
        "gradient": channels_last(image.grad),
    }


def main():
    torch.manual_seed(1)
    golden = []
    for size, to in SIZES:
        for mode, corners in (("nearest", None), ("bilinear", False), ("bilinear", True)):
            recorded = run(lambda x: F.interpolate(x, size=to, mode=mode, align_corners=corners), size)
            golden.append({"operation": mode, "align_corners": bool(corners), **recorded})
    for kernel, stride, padding, size in WINDOWS:
        for name, pool in (("avg_pool", F.avg_pool2d), ("max_pool", F.max_pool2d)):
            recorded = run(lambda x: pool(x, kernel, stride, padding), size, ties=name == "max_pool")
            golden.append({"operation": name, "kernel": kernel, "stride": stride, "padding": padding, **recorded})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images.json")
    with open(path, "w", encoding="utf-8") as file:
        # Nine digits tell every f32 apart.
        file.write(json.dumps(json.loads(json.dumps(golden), parse_float=lambda v: float("%.9g" % float(v)))))
        file.write("\n")


if __name__ == "__main__":
    main()
