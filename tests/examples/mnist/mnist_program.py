"""Starts the mnist program as a user would, on a handful of images; each command's tests are files of their own."""

import array
import gzip
import json
import os
import random
import struct
import subprocess
import tempfile
import unittest

PROGRAM = os.path.join("examples", "mnist", "mnist")
# The smallest network, and an epoch of five iterations of three chunks each.
SMALL = ["--channels=8", "--batch_size=8", "--chunk_size=3", "--dtype=f32"]
TRAIN_IMAGES, TEST_IMAGES = 43, 30


def start(*arguments, **kwargs):
    return subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          **kwargs)


def run(command, folder, *flags, **kwargs):
    return start(command, "--output_dir=" + folder, *flags, **kwargs)


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def write(data, *path):
    with open(os.path.join(*path), "wb") as file:
        file.write(data)


def header_of(data):
    return json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])


def replace_header(data, change):
    """The same safetensors file with its header changed by a function."""
    header = header_of(data)
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + struct.unpack("<Q", data[:8])[0]:]


def npy(data):
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length], {}, {})  # a literal written by the program under test
    assert header["descr"] == "<f4" and not header["fortran_order"], header
    return header["shape"], array.array("f", data[10 + length:])


def make_npy(shape, values):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': %r, }" % (shape,)
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + array.array("f", values).tobytes()


def idx(magic, sizes, data):
    return struct.pack(">I", magic) + b"".join(struct.pack(">I", size) for size in sizes) + bytes(data)


def images(count, seed):
    """A bright square for each image, further to the right for higher labels."""
    source = random.Random(seed)
    pixels = bytearray()
    for i in range(count):
        image = bytearray(28 * 28)
        left, top = 1 + 2 * (i % 10), source.randrange(4, 16)
        for y in range(top, top + 8):
            for x in range(left, left + 6):
                image[28 * y + x] = source.randrange(200, 256)
        pixels += image
    return idx(0x803, [count, 28, 28], pixels)


def labels(count):
    return idx(0x801, [count], [i % 10 for i in range(count)])


def make_data(folder):
    write(gzip.compress(images(TRAIN_IMAGES, 1)), folder, "train-images-idx3-ubyte.gz")
    write(gzip.compress(labels(TRAIN_IMAGES)), folder, "train-labels-idx1-ubyte.gz")
    write(images(TEST_IMAGES, 2), folder, "t10k-images-idx3-ubyte")
    write(labels(TEST_IMAGES), folder, "t10k-labels-idx1-ubyte")


def new_folder():
    return tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))


class Program(unittest.TestCase):

    def setUp(self):
        self.data = new_folder()
        make_data(self.data)
        self.folder = new_folder()

    def train(self, folder, *flags, **kwargs):
        return run("train", folder, "--data_dir=" + self.data, *flags, **kwargs)

    def succeed(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def refused(self, done, *messages):
        """Exit code 2, and one line on standard error that holds the messages."""
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"^mnist: ")
        for message in messages:
            self.assertIn(message, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
