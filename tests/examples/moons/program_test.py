"""Runs the moons program as a user would: its files, its flags, its errors, Ctrl-C, and the same bytes on any threads."""

import array
import json
import math
import os
import resource
import signal
import struct
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.path.abspath(os.path.join("examples", "moons", "moons"))
METRICS = ["iterations", "batch_size", "train_seconds", "microseconds_per_iteration", "loss_last_1000", "w2", "w2_floor",
           "nll", "seed", "dtype", "threads", "isa"]
PICTURES = ["loss.png", "samples.png", "trajectories.png", "density.png", "flow.png"]


def run(folder, *flags, **kwargs):
    command = [PROGRAM, "--output_dir=" + folder] + list(flags)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **kwargs)


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def npy_header(data):
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    length = struct.unpack("<H", data[8:10])[0]
    return eval(data[10:10 + length], {}, {}), data[10 + length:]  # a literal written by the program under test


def safetensors_header(data):
    return json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])


def write_npy(path, points):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, 2), }" % len(points)
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        for point in points:
            file.write(struct.pack("<dd", *point))


class Program(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))


class Files(Program):
    def test_writes_what_it_promises_and_samples_again_from_the_model(self):
        done = run(self.folder, "--iterations=300", "--samples=64", "--seed=3", "--solver_steps=10")
        self.assertEqual(done.returncode, 0, done.stderr)
        header, data = npy_header(read(self.folder, "samples.npy"))
        self.assertEqual((header["descr"], header["shape"], len(data)), ("<f4", (64, 2), 64 * 8))
        header, _ = npy_header(read(self.folder, "loss.npy"))
        self.assertEqual(header["shape"], (300,))
        for name in PICTURES:
            self.assertEqual(read(self.folder, name)[:8], b"\x89PNG\r\n\x1a\n", name)
        metrics = json.loads(read(self.folder, "metrics.json"))
        self.assertEqual(list(metrics), METRICS)
        self.assertEqual((metrics["iterations"], metrics["batch_size"], metrics["seed"]), (300, 256, 3))
        self.assertLess(metrics["loss_last_1000"], 1.5)
        self.assertLess(metrics["w2_floor"], metrics["w2"])
        model = safetensors_header(read(self.folder, "model.safetensors"))
        self.assertEqual(model["net.0.weight"]["shape"], [64, 3])
        self.assertEqual(model["__metadata__"]["path"], "cond_ot")
        self.assertEqual(metrics["dtype"], "f32")
        self.assertIn("activations f32", done.stdout.splitlines()[0])
        self.assertIn("100%", done.stderr)

        again = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        checkpoint = "--checkpoint=" + os.path.join(self.folder, "model.safetensors")
        done = run(again, checkpoint, "--samples=64", "--seed=3", "--solver_steps=10")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(read(again, "samples.npy"), read(self.folder, "samples.npy"))
        self.assertFalse(os.path.exists(os.path.join(again, "loss.png")))
        done = run(again, checkpoint, "--hidden=32")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--hidden=32 contradicts the checkpoint", done.stderr)

    def test_trains_in_bf16(self):
        flags = ["--iterations=300", "--samples=100", "--solver_steps=5", "--threads=1"]
        metrics, losses = {}, {}
        for dtype in ("f32", "bf16"):
            done = run(self.folder, "--dtype=" + dtype, *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("activations " + dtype, done.stdout.splitlines()[0])
            metrics[dtype] = json.loads(read(self.folder, "metrics.json"))
            losses[dtype] = array.array("f", npy_header(read(self.folder, "loss.npy"))[1])
        self.assertEqual(metrics["bf16"]["dtype"], "bf16")
        self.assertNotEqual(losses["bf16"], losses["f32"])
        first, last = sum(losses["bf16"][:20]) / 20, sum(losses["bf16"][-100:]) / 100
        self.assertLess(last, 0.8 * first)
        self.assertTrue(all(math.isfinite(loss) for loss in losses["bf16"]))
        # Rounding is far smaller than what the network has learned.
        for name in ("loss_last_1000", "w2", "nll"):
            self.assertLess(abs(metrics["bf16"][name] / metrics["f32"][name] - 1), 0.1, name)

    def test_a_preset_is_what_its_flags_say(self):
        def settings(*flags):
            folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
            done = run(folder, "--samples=10", "--solver_steps=10", *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            return folder, safetensors_header(read(folder, "model.safetensors"))["__metadata__"]

        folder, given = settings("--preset=best", "--iterations=20", "--batch_size=32")
        self.assertEqual((given["iterations"], given["batch_size"], given["schedule"]), ("20", "32", "cosine"))
        _, best = settings("--preset=best", "--iterations=20")
        self.assertEqual((best["batch_size"], best["schedule"], best["learning_rate"]), ("1024", "cosine", "0.01"))
        _, default = settings("--iterations=20")
        self.assertEqual((default["batch_size"], default["schedule"]), ("256", "constant"))
        done = run(folder, "--preset=best", "--checkpoint=" + os.path.join(folder, "model.safetensors"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("--preset=best and --checkpoint", done.stderr)


class Quality(Program):
    def test_the_best_preset_learns_the_moons(self):
        """One seed of what benchmarks/moons_quality.py --preset=best measures, with two fifths of its iterations."""
        done = run(self.folder, "--preset=best", "--iterations=6000")
        self.assertEqual(done.returncode, 0, done.stderr)
        metrics = json.loads(read(self.folder, "metrics.json"))
        self.assertEqual((metrics["iterations"], metrics["batch_size"]), (6000, 1024))
        print("w2 %.4f of %.4f, nll %.4f" % (metrics["w2"], metrics["w2_floor"], metrics["nll"]))
        self.assertLess(metrics["w2"] - metrics["w2_floor"], 0.02)
        self.assertLess(metrics["nll"], 0.40)


class Threads(Program):
    def test_same_bytes_on_any_number_of_threads(self):
        wanted = None
        for threads in (1, 2, 3, 16):
            done = run(self.folder, "--iterations=40", "--samples=500", "--solver_steps=10", "--threads=%d" % threads)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = read(self.folder, "samples.npy"), read(self.folder, "model.safetensors")
            wanted = wanted or found
            self.assertEqual(found, wanted, "%d threads" % threads)


class Errors(Program):
    def test_wrong_flags_are_explained_in_one_line(self):
        for flags, message in [
            (["--schedule=linear"], "--schedule is 'linear', expected constant or cosine"),
            (["--preset=worst"], "--preset is 'worst', expected default or best"),
            (["--path=ot"], "expected cond_ot, polynomial, vp, linear_vp or cosine"),
            (["--solver=rk5"], "expected euler, midpoint, heun2, heun3, rk4, rk4_38 or dopri5"),
            (["--model=cnn"], "--model is 'cnn', expected mlp or time_embedding"),
            (["--iterations=0"], "--iterations is 0, expected 1 to"),
            (["--batch_size=-1"], "--batch_size is -1"),
            (["--learning_rate=nan"], "--learning_rate is nan"),
            (["--ema=1"], "--ema is 1, expected 0 or more and below 1"),
            (["--solver_steps=0"], "--solver_steps is 0"),
            (["--threads=-2"], "--threads is -2"),
            (["--data=missing.npy"], "missing.npy"),
            (["--checkpoint=missing.safetensors"], "missing.safetensors"),
            (["train"], "'train' is not a flag"),
            (["--output_dir=" + PROGRAM], "cannot make the folder"),
            (["--dtype=f16"], "--dtype is 'f16', expected f32, bf16 or auto"),
            (["--iteration=5"], "there is no flag --iteration, see --help"),
            (["--noiterations"], "there is no flag --noiterations"),
            (["--iterations=many"], "flag 'iterations'; expected a whole number"),
            (["--noise=x"], "flag 'noise'; expected a number"),
            (["--seed=-1"], "flag 'seed'; expected a whole number, 0 or more"),
            (["--iterations="], "--iterations has no value"),
            (["--rtol="], "--rtol has no value"),
            (["--schedule", ""], "--schedule has no value"),
        ]:
            done = run(self.folder, *flags)
            self.assertEqual(done.returncode, 2, flags)
            self.assertIn(message, done.stderr, flags)
            self.assertRegex(done.stderr, r"^moons: .*\n$", flags)
        self.assertEqual(os.listdir(self.folder), [])

    def test_foreign_and_damaged_models_are_refused(self):
        path = os.path.join(self.folder, "model.safetensors")
        with open(path, "wb") as file:
            file.write(b"not a model")
        done = run(self.folder, "--checkpoint=" + path)
        self.assertEqual(done.returncode, 2)
        self.assertIn("model.safetensors", done.stderr)
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", 2) + b"{}")
        done = run(self.folder, "--checkpoint=" + path)
        self.assertIn("not a model of this program", done.stderr)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(os.listdir(self.folder), ["model.safetensors"])

    def test_own_points(self):
        path = os.path.join(self.folder, "points.npy")
        write_npy(path, [(i % 7, i % 5) for i in range(300)])
        done = run(self.folder, "--data=" + path, "--iterations=30", "--samples=10", "--solver_steps=10")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run(self.folder, "--checkpoint=" + os.path.join(self.folder, "model.safetensors"), "--data=other.npy")
        self.assertIn("contradicts the checkpoint", done.stderr)
        # The same file by another name, from another folder.
        done = run(self.folder, "--checkpoint=model.safetensors", "--data=./points.npy", "--samples=10",
                   "--solver_steps=10", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        write_npy(path, [(1, 2)])
        done = run(self.folder, "--data=" + path, "--iterations=10", "--samples=1", "--solver_steps=5")
        self.assertEqual(done.returncode, 0, done.stderr)
        write_npy(path, [(float("nan"), 0)])
        done = run(self.folder, "--data=" + path)
        self.assertEqual(done.returncode, 2)
        self.assertIn("row 0, column 0 is not finite", done.stderr)

    def test_ctrl_c_leaves_a_model(self):
        process = subprocess.Popen([PROGRAM, "--output_dir=" + self.folder, "--iterations=100000000"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=40)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn(b"interrupted after", errors)
        model = safetensors_header(read(self.folder, "model.safetensors"))
        self.assertIn("net.6.bias", model)
        self.assertIn("after %s iterations" % model["__metadata__"]["iterations"], errors.decode())
        npy_header(read(self.folder, "loss.npy"))

    def test_a_full_disk_is_reported_and_overwrites_nothing(self):
        path = os.path.join(self.folder, "model.safetensors")
        with open(path, "wb") as file:
            file.write(b"precious")
        # ThreadSanitizer makes a larger file of its own, unless there is no folder for it.
        limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
                 "env": dict(os.environ, TMPDIR="/nonexistent")}
        done = run(self.folder, "--iterations=10", "--samples=10", **limit)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("model.safetensors", done.stderr)
        self.assertEqual(read(self.folder, "model.safetensors"), b"precious")
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("model")], ["model.safetensors"])

    def test_help_and_version(self):
        done = run(self.folder, "--help")
        self.assertEqual(done.returncode, 0)
        for flag in ["iterations", "batch_size", "learning_rate", "schedule", "noise", "hidden", "model", "path", "solver",
                     "solver_steps", "rtol", "atol", "samples", "ema", "dtype", "data", "seed", "threads", "output_dir", "checkpoint",
                     "version"]:
            self.assertIn("\n  --" + flag, done.stdout)
        self.assertRegex(run(self.folder, "--version").stdout, r"^moons \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
