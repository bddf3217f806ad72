"""Records attention computed by PyTorch's nn.MultiheadAttention in attention.json.

    /usr/bin/python3 tests/nn/golden/attention.py      (Debian's python3-torch 1.13.1)

Each case holds the options, a state dict under the names of the diffusers library's Attention block, the tokens, the
result, and the gradients of the result's product with fixed weights: of all parameters and of the tokens.
"""

import json
import os

import torch

# name, width, heads, key_width, value_width, bias, causal, batch, queries, keys
CASES = [
    ("self", 8, 2, 8, 8, True, False, 2, 5, 5),
    ("self_without_bias", 6, 3, 6, 6, False, False, 1, 19, 19),
    ("causal", 8, 2, 8, 8, True, True, 1, 7, 7),
    ("cross", 8, 4, 5, 7, True, False, 2, 3, 6),
    ("cross_causal", 4, 1, 6, 6, True, True, 1, 3, 4),
]


def run(width, heads, key_width, value_width, bias, causal, batch, queries, keys):
    layer = torch.nn.MultiheadAttention(
        width, heads, bias=bias, kdim=key_width, vdim=value_width, batch_first=True
    )
    with torch.no_grad():
        # PyTorch starts the biases at 0, which would hide errors.
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4)
    query, key = torch.randn(batch, queries, width), torch.randn(batch, keys, key_width)
    value = torch.randn(batch, keys, value_width)
    tokens = {"query": query, "key": key, "value": value}
    if (queries, width, width) == (keys, key_width, value_width):
        tokens = {"query": query, "key": query, "value": query}
    for tensor in tokens.values():
        tensor.requires_grad_()
    mask = torch.triu(torch.ones(queries, keys, dtype=torch.bool), 1) if causal else None
    result, _ = layer(tokens["query"], tokens["key"], tokens["value"], attn_mask=mask, need_weights=False)
    weights = torch.randn_like(result)
    (result * weights).sum().backward()

    def by_name(of):
        named = {}
        if layer.in_proj_weight is not None:
            projections = of(layer.in_proj_weight).chunk(3)
        else:
            projections = [of(w) for w in (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)]
        for name, projection in zip(("to_q", "to_k", "to_v"), projections):
            named[name + ".weight"] = projection
        if bias:
            for name, part in zip(("to_q", "to_k", "to_v"), of(layer.in_proj_bias).chunk(3)):
                named[name + ".bias"] = part
            named["to_out.0.bias"] = of(layer.out_proj.bias)
        named["to_out.0.weight"] = of(layer.out_proj.weight)
        return {name: tensor.flatten().tolist() for name, tensor in named.items()}

    return {
        "state": by_name(lambda parameter: parameter.detach()),
        "gradients": by_name(lambda parameter: parameter.grad),
        "tokens": {name: tensor.flatten().tolist() for name, tensor in tokens.items()},
        "token_gradients": {name: tensor.grad.flatten().tolist() for name, tensor in tokens.items()},
        "result": result.flatten().tolist(),
        "weights": weights.flatten().tolist(),
    }


def main():
    torch.manual_seed(1)
    golden = []
    for name, *arguments in CASES:
        keys = ("width", "heads", "key_width", "value_width", "bias", "causal", "batch", "queries", "keys")
        golden.append({"name": name, **dict(zip(keys, arguments)), **run(*arguments)})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "attention.json")
    with open(path, "w", encoding="utf-8") as file:
        # Nine digits tell every f32 apart.
        file.write(json.dumps(json.loads(json.dumps(golden), parse_float=lambda v: float("%.9g" % float(v)))))
        file.write("\n")


if __name__ == "__main__":
    main()
