"""Golden files of ClassConditionedUNet, and so of UNet2D, from a twin of both in PyTorch.

    /usr/bin/python3 class_conditioned_unet.py write         (Debian's python3-torch 1.13.1)
    /usr/bin/python3 class_conditioned_unet.py check FILE    the twin reads weights SaveWeights wrote
    python3 class_conditioned_unet.py compare                the twin beside diffusers 0.27.2 itself

`write` makes one safetensors file for each of CASES beside this script: the inputs "x" [B, C, H, W], "t" [B] in [0, 1),
"labels" [B] and "target", the output "y", and gradients of the mean squared error between y and the target. Weights are
PyTorch's own starting values and stored ("weights.NAME"), or made by `formula` on both sides and not stored. Gradients
are stored in full ("gradients.NAME"), or as "projections" [parameters, 1 + PROJECTIONS] f64: the norm of each gradient
and its products with vectors of signs from the same formula, in the order of state_dict.
"""

import json
import math
import os
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECTIONS = 8
CASES = {
    # Weights and gradients in full: small.
    "small": dict(size=(8, 8), batch=3, stored=True, full_gradients=True, classes=3, class_channels=3, channels=(8, 16),
                  layers=1, attention=(False, True), head_dim=4, groups=4, eps=1e-5),
    # All that the others leave out.
    "added": dict(size=(12, 8), batch=2, stored=False, full_gradients=True, classes=4, class_channels=0,
                  channels=(8, 8, 12), layers=2, attention=(True, False, True), head_dim=2, groups=2, eps=1e-3,
                  padding=0, flip=False, shift=1.0, image_channels=3),
    # The MNIST program's model.
    "mnist": dict(size=(28, 28), batch=2, stored=False, full_gradients=False, classes=10, class_channels=8,
                  channels=(32, 64, 64), layers=2, attention=(False, True, True), head_dim=8, groups=32, eps=1e-5),
}


class TimeEmbedding(nn.Module):
    def __init__(self, width, out, flip, shift):
        super().__init__()
        self.width, self.flip, self.shift = width, flip, shift
        self.linear_1, self.linear_2 = nn.Linear(width, out), nn.Linear(out, out)

    def forward(self, t):
        half = self.width // 2
        frequencies = torch.exp(torch.arange(half, dtype=torch.float32) * (-math.log(10000) / (half - self.shift)))
        angles = t[:, None] * frequencies[None]
        parts = [angles.cos(), angles.sin()] if self.flip else [angles.sin(), angles.cos()]
        return self.linear_2(F.silu(self.linear_1(torch.cat(parts, 1))))


class Residual(nn.Module):
    def __init__(self, into, out, time, case):
        super().__init__()
        self.norm1 = nn.GroupNorm(case["groups"], into, eps=case["eps"])
        self.conv1 = nn.Conv2d(into, out, 3, padding=1)
        self.time_emb_proj = nn.Linear(time, out)
        self.norm2 = nn.GroupNorm(case["groups"], out, eps=case["eps"])
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        if into != out:
            self.conv_shortcut = nn.Conv2d(into, out, 1)

    def forward(self, x, time):
        h = self.conv1(F.silu(self.norm1(x))) + self.time_emb_proj(F.silu(time))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)


class Attention(nn.Module):
    def __init__(self, channels, case):
        super().__init__()
        self.heads = channels // case["head_dim"]
        self.group_norm = nn.GroupNorm(case["groups"], channels, eps=case["eps"])
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x):
        batch, channels, height, width = x.shape
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)
        q, k, v = (to(tokens).unflatten(2, (self.heads, -1)).transpose(1, 2)
                   for to in (self.to_q, self.to_k, self.to_v))
        weights = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]), -1)
        y = self.to_out[0]((weights @ v).transpose(1, 2).flatten(2))
        return x + y.transpose(1, 2).reshape(batch, channels, height, width)


class Resample(nn.Module):
    """Half the size, or twice."""

    def __init__(self, channels, up, padding):
        super().__init__()
        self.up, self.padding = up, padding
        self.conv = nn.Conv2d(channels, channels, 3, stride=1 if up else 2, padding=1 if up else padding)

    def forward(self, x):
        if self.up:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        elif self.padding == 0:
            x = F.pad(x, (0, 1, 0, 1))
        return self.conv(x)


class Block(nn.Module):
    """A block on the way down, up or in the middle: a residual block for each (into, out) of `widths`."""

    def __init__(self, widths, attention, time, case, down=False, up=False):
        super().__init__()
        out = widths[0][1]
        if attention:
            self.attentions = nn.ModuleList([Attention(out, case) for _ in range(attention)])
        self.resnets = nn.ModuleList([Residual(into, out, time, case) for into, out in widths])
        if down:
            self.downsamplers = nn.ModuleList([Resample(out, False, case.get("padding", 1))])
        if up:
            self.upsamplers = nn.ModuleList([Resample(out, True, 1)])

    def attend(self, number, x):
        return self.attentions[number](x) if hasattr(self, "attentions") else x


class UNet(nn.Module):
    def __init__(self, case):
        super().__init__()
        channels, layers, attention = case["channels"], case["layers"], case["attention"]
        image = case.get("image_channels", 1)
        time, last = 4 * channels[0], len(channels) - 1
        self.conv_in = nn.Conv2d(image + case["class_channels"], channels[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(channels[0], time, case.get("flip", True), case.get("shift", 0.0))
        if case["class_channels"] == 0:
            self.class_embedding = nn.Embedding(case["classes"] + 1, time)
        self.down_blocks, self.up_blocks = nn.ModuleList(), nn.ModuleList()
        skips = [channels[0]]
        width = channels[0]
        for level, out in enumerate(channels):
            widths = [(width if i == 0 else out, out) for i in range(layers)]
            self.down_blocks.append(Block(widths, layers * attention[level], time, case, down=level < last))
            skips += [out] * (layers + (level < last))
            width = out
        for level in range(last, -1, -1):
            out, widths = channels[level], []
            for _ in range(layers + 1):
                widths.append((width + skips.pop(), out))
                width = out
            self.up_blocks.append(Block(widths, (layers + 1) * attention[level], time, case, up=level > 0))
        self.mid_block = Block([(channels[-1], channels[-1])] * 2, 1, time, case)
        self.conv_norm_out = nn.GroupNorm(case["groups"], channels[0], eps=case["eps"])
        self.conv_out = nn.Conv2d(channels[0], image, 3, padding=1)

    def forward(self, x, t, labels=None):
        time = self.time_embedding(t)
        if labels is not None:
            time = time + self.class_embedding(labels)
        x = self.conv_in(x)
        skips = [x]
        for block in self.down_blocks:
            for number, residual in enumerate(block.resnets):
                x = block.attend(number, residual(x, time))
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
                skips.append(x)
        x = self.mid_block.attend(0, self.mid_block.resnets[0](x, time))
        x = self.mid_block.resnets[1](x, time)
        for block in self.up_blocks:
            for number, residual in enumerate(block.resnets):
                x = block.attend(number, residual(torch.cat([x, skips.pop()], 1), time))
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class ClassConditioned(nn.Module):
    def __init__(self, case):
        super().__init__()
        if case["class_channels"]:
            self.class_emb = nn.Embedding(case["classes"] + 1, case["class_channels"])
        self.model = UNet(case)

    def forward(self, x, t, labels):
        t = 1000 * t
        if not hasattr(self, "class_emb"):
            return self.model(x, t, labels)
        classes = self.class_emb(labels)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.model(torch.cat([x, classes], 1), t)


def hashes(count, seed):
    """`count` integers of 32 bits; both sides compute the same."""
    h = (torch.arange(count) * 2654435761 + seed * 40503 + 12345) & 0xFFFFFFFF
    for _ in range(2):
        h = ((h ^ (h >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return h ^ (h >> 16)


def formula(number, name, shape):
    """The values of parameter `number` of state_dict."""
    u = (hashes(math.prod(shape), number).double() / 2**31 - 1).reshape(shape)
    if len(shape) > 1:
        u = u / math.sqrt(math.prod(shape[1:]))
    else:
        u = 0.1 * u if name.endswith("bias") else 1 + 0.2 * u
    return u.float()


def signs(count, number, projection):
    return 1.0 - 2 * (hashes(count, number + 1000 * (projection + 1)) >> 31).double()


def run_case(name, case):
    """All that the golden file holds."""
    torch.manual_seed(1)
    net = ClassConditioned(case)
    if not case["stored"]:
        net.load_state_dict({key: formula(number, key, tensor.shape)
                             for number, (key, tensor) in enumerate(net.state_dict().items())})
    shape = (case["batch"], case.get("image_channels", 1), *case["size"])
    golden = {"x": torch.randn(shape), "t": torch.tensor([0.731, 0.052, 0.4][:case["batch"]]),
              "labels": torch.tensor([case["classes"], 0, 2][:case["batch"]]), "target": torch.randn(shape)}
    y = net(golden["x"], golden["t"], golden["labels"])
    ((y - golden["target"]) ** 2).mean().backward()
    golden["y"] = y.detach()
    gradients = {key: parameter.grad for key, parameter in net.named_parameters()}
    if case["stored"]:
        golden.update(("weights." + key, tensor) for key, tensor in net.state_dict().items())
    if case["full_gradients"]:
        golden.update(("gradients." + key, tensor) for key, tensor in gradients.items())
    else:
        golden["projections"] = torch.stack([
            torch.stack([g.double().norm()] + [(g.double().flatten() * signs(g.numel(), number, p)).sum()
                                               for p in range(PROJECTIONS)])
            for number, g in enumerate(gradients.values())])
    print("%s: %d parameters, |y| up to %.3f" % (name, sum(p.numel() for p in net.parameters()), y.abs().max()))
    return golden


DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        blob = tensor.contiguous().numpy().tobytes()
        dtype = next(key for key, value in DTYPES.items() if value == tensor.dtype)
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(blob)]}
        data += blob
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), file.read()
    return {name: torch.frombuffer(bytearray(data[slice(*entry["data_offsets"])]),
                                   dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}


def check(path):
    """The weights in a file of ours load into the twin of the case they belong to."""
    weights = read_safetensors(path)
    for name, case in CASES.items():
        net = ClassConditioned(case)
        if {k: v.shape for k, v in net.state_dict().items()} != {k: v.shape for k, v in weights.items()}:
            continue
        net.load_state_dict(weights)
        golden = read_safetensors(os.path.join(HERE, name + ".safetensors"))
        y = net(golden["x"], golden["t"], golden["labels"]).detach()
        print("%s: the output differs by %.1e from the golden one" % (name, (y - golden["y"]).abs().max()))
        return
    sys.exit("%s holds the weights of none of the cases" % path)


def compare():
    """The twin has the names, their order and the values of diffusers' UNet2DModel."""
    from diffusers import UNet2DModel
    for name, case in CASES.items():
        twin, image = UNet(case), case.get("image_channels", 1)
        theirs = UNet2DModel(
            in_channels=image + case["class_channels"], out_channels=image, block_out_channels=case["channels"],
            layers_per_block=case["layers"], attention_head_dim=case["head_dim"], norm_num_groups=case["groups"],
            norm_eps=case["eps"], downsample_padding=case.get("padding", 1), flip_sin_to_cos=case.get("flip", True),
            freq_shift=case.get("shift", 0.0), num_class_embeds=None if case["class_channels"] else case["classes"] + 1,
            down_block_types=["AttnDownBlock2D" if a else "DownBlock2D" for a in case["attention"]],
            up_block_types=["AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(case["attention"])])
        assert list(theirs.state_dict()) == list(twin.state_dict()), name
        theirs.load_state_dict(twin.state_dict())
        x = torch.randn(2, image + case["class_channels"], *case["size"])
        t, labels = torch.tensor([731.0, 52.5]), None if case["class_channels"] else torch.tensor([0, 3])
        with torch.no_grad():
            difference = (theirs(x, t, labels).sample - twin(x, t, labels)).abs().max()
        print("%s: differs from diffusers by %.1e" % (name, difference))


def main():
    if sys.argv[1:] == ["write"]:
        for name, case in CASES.items():
            write_safetensors(os.path.join(HERE, name + ".safetensors"), run_case(name, case))
    elif sys.argv[1:] == ["compare"]:
        compare()
    elif len(sys.argv) == 3 and sys.argv[1] == "check":
        check(sys.argv[2])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
