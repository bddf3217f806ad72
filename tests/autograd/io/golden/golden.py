"""Writes, with the Python libraries, the files golden_test.cc reads, and checks the files it writes.

    pip install numpy==2.4.6 safetensors==0.5.3
    python3 golden.py write FOLDER   # numpy_*.npy, python.safetensors
    python3 golden.py check FOLDER   # ours_*.npy and ours.safetensors hold what golden_test.cc says
"""

import os
import sys

import numpy as np
import safetensors
import safetensors.numpy

F32 = np.array([[1.5, -2, 0.1], [np.inf, -0.0, 3e-39]], "<f4")
F64 = np.array([[1.5, -2, 0.1], [np.inf, -0.0, 5e-324]], "<f8")
I32 = np.array([[0, -1, 2], [-(2**31), 2**31 - 1, 7]], "<i4")
I64 = np.array([[0, -1, 2], [-(2**63), 2**63 - 1, 7]], "<i8")
U8 = np.array([[0, 1, 2], [127, 128, 255]], "u1")
BOOL = np.array([[True, False, True], [False, False, True]])
RANK8 = np.arange(16, dtype="<i4").reshape(1, 2, 1, 2, 1, 2, 1, 2)
SCALAR = np.array(2.5, "<f8")
EMPTY = np.zeros((0, 3), "<f4")
ARRAYS = {"f32": F32, "f64": F64, "i32": I32, "i64": I64, "u8": U8, "bool": BOOL, "rank8": RANK8, "scalar": SCALAR,
          "empty": EMPTY}
# The upper halves of 1.5, -2, inf as f32. NumPy has no bf16.
BF16 = np.array([0x3FC0, 0xC000, 0x7F80], "<u2").tobytes()
NAMES = {"float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64", "uint8": "U8", "bool": "BOOL"}


def write(folder):
    for name, array in ARRAYS.items():
        np.save(os.path.join(folder, "numpy_%s.npy" % name), array)
    np.save(os.path.join(folder, "numpy_fortran.npy"), np.asfortranarray(np.arange(24, dtype="<f4").reshape(2, 3, 4)))
    for version in (2, 3):
        with open(os.path.join(folder, "numpy_version%d.npy" % version), "wb") as file:
            np.lib.format.write_array(file, F32, version=(version, 0))
    flat = {name: {"dtype": a.dtype.name, "shape": list(a.shape), "data": a.tobytes()} for name, a in ARRAYS.items()}
    flat["bf16"] = {"dtype": "bfloat16", "shape": [3], "data": BF16}
    with open(os.path.join(folder, "python.safetensors"), "wb") as file:
        file.write(safetensors.serialize(flat, {"format": "pt", "note": "gr\u00fc\u00df \"dich\""}))


def same(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes(), (a, b)


def check(folder):
    for name, array in ARRAYS.items():
        same(np.load(os.path.join(folder, "ours_%s.npy" % name)), array)
    with open(os.path.join(folder, "ours.safetensors"), "rb") as file:
        tensors = dict(safetensors.deserialize(file.read()))
    assert sorted(tensors) == sorted([*ARRAYS, "bf16"]), sorted(tensors)
    for name, array in ARRAYS.items():
        found = tensors[name]
        assert found["dtype"] == NAMES[array.dtype.name] and found["shape"] == list(array.shape), (name, found)
        assert bytes(found["data"]) == array.tobytes(), name
    assert tensors["bf16"]["dtype"] == "BF16" and bytes(tensors["bf16"]["data"]) == BF16
    with safetensors.safe_open(os.path.join(folder, "ours.safetensors"), "numpy") as file:
        assert file.metadata() == {"format_version": "1", "note": "gr\u00fc\u00df \"dich\""}, file.metadata()
        same(file.get_tensor("f32"), F32)


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](sys.argv[2])
