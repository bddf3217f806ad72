"""What the mnist program says of flags, data and files that it cannot use; --help and --version."""

import gzip
import json
import os
import resource
import shutil
import struct
import unittest

from tests.examples.mnist.mnist_program import (
    PROGRAM, SMALL, TEST_IMAGES, TRAIN_IMAGES, Program, idx, images, labels, make_data, new_folder, read,
    replace_header, run, start, write)


class Errors(Program):

    def test_wrong_flags_are_explained_in_one_line(self):
        for command, flags, message in [
            ("train", ["--steps=5"], "--steps is not a flag of train but of sample and eval"),
            ("sample", ["--epochs=5"], "--epochs is not a flag of sample but of train"),
            ("draw", [], "'draw' is not a command; expected train, sample, eval, export or info"),
            ("train", ["now"], "'now' is not a flag"),
            ("train", ["--epochs=0"], "--epochs is 0, expected 1 to"),
            ("train", ["--batch_size=0"], "--batch_size is 0"),
            ("train", ["--batch_size=44"], "--batch_size is 44, expected 1 to 43, the training images"),
            ("train", ["--learning_rate=-1"], "--learning_rate is -1"),
            ("train", ["--null_probability=1.5"], "--null_probability is 1.5, expected 0 to 1"),
            ("train", ["--ema=1"], "--ema is 1, expected 0 or more and below 1"),
            ("train", ["--channels=12"], "--channels: expected one to three multiples of 8"),
            ("train", ["--channels=8,8,8,8"], "--channels: expected one to three multiples of 8"),
            ("train", ["--threads=-2"], "--threads is -2"),
            ("train", ["--max_iterations=-1"], "--max_iterations is -1"),
            ("train", ["--output_dir=" + PROGRAM, "--batch_size=8"], "cannot make the folder"),
            ("train", ["--output_dir="], "--output_dir has no value"),
            ("sample", ["--labels=10"], "--labels is 10, expected 0 to 9"),
            ("sample", ["--labels="], "--labels has no value"),
            ("sample", ["--labels"], "--labels has no value"),
            ("sample", ["--count=0"], "--count is 0"),
            ("sample", ["--guidance_scale=1,2"], "--guidance_scale has 2 values, expected one"),
            ("sample", ["--steps=0"], "--steps is 0"),
            ("sample", ["--solver=rk5"], "expected euler, midpoint, heun2, heun3, rk4, rk4_38 or dopri5"),
            ("sample", ["--checkpoint=missing.safetensors"], "missing.safetensors: No such file"),
            ("eval", ["--samples_per_class=0"], "--samples_per_class is 0"),
            ("eval", ["--guidance_scale=-1"], "--guidance_scale is -1"),
        ]:
            if command == "train":
                flags = ["--data_dir=" + self.data] + flags
            self.refused(run(command, self.folder, *flags), message)
        self.assertEqual(os.listdir(self.folder), [])

    def test_values_that_cannot_be_read(self):
        for command, flag, message in [("train", "--epochs=many", "expected a whole number"),
                                       ("sample", "--labels=a-b", "expected whole numbers separated by commas"),
                                       ("eval", "--guidance_scale=x", "expected numbers separated by commas"),
                                       ("train", "--epoch=5", "there is no flag --epoch, see --help"),
                                       ("sample", "--nolabels", "there is no flag --nolabels"),
                                       ("sample", "--use_ema=perhaps", "flag 'use_ema'"),
                                       ("sample", "--dtype=f16", "--dtype is 'f16', expected f32, bf16 or auto")]:
            self.refused(run(command, self.folder, flag), message)

    def test_data_that_cannot_be_used(self):
        names = {"images": "train-images-idx3-ubyte.gz", "labels": "train-labels-idx1-ubyte.gz",
                 "test": "t10k-labels-idx1-ubyte"}
        packed = gzip.compress(images(TRAIN_IMAGES, 1))
        cases = [
            ("images", None, ["train-images-idx3-ubyte"]),
            ("images", packed[:len(packed) // 2], ["train-images-idx3-ubyte.gz"]),
            ("images", b"\x1f\x8b rubbish", ["train-images-idx3-ubyte.gz"]),
            ("images", images(TRAIN_IMAGES, 1)[:-1], ["train-images-idx3-ubyte.gz"]),
            ("images", labels(TRAIN_IMAGES), ["train-images-idx3-ubyte.gz", "magic number"]),
            ("images", idx(0x803, [TRAIN_IMAGES, 20, 28], [0] * (TRAIN_IMAGES * 560)), ["20", "28"]),
            ("labels", labels(TRAIN_IMAGES - 1), ["43", "42"]),
            ("labels", idx(0x801, [TRAIN_IMAGES], [11] * TRAIN_IMAGES), ["label", "11"]),
            ("test", labels(TEST_IMAGES + 1), ["30", "31"]),
        ]
        for name, content, messages in cases:
            shutil.rmtree(self.data)
            os.mkdir(self.data)
            make_data(self.data)
            path = os.path.join(self.data, names[name])
            os.remove(path)
            if content is not None:
                write(content, path)
            self.refused(self.train(self.folder, *SMALL), *messages)
            self.assertEqual(os.listdir(self.folder), [])
        self.refused(run("train", self.folder, "--data_dir=/no/such/folder"), "/no/such/folder")

    def test_a_loss_that_is_not_finite_stops_the_run(self):
        done = self.train(self.folder, *SMALL, "--learning_rate=1e30", "--epochs=3")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1], r"mnist: .*iteration \d+.*(parameter|gradient)")
        self.assertEqual(os.listdir(self.folder), [])

    def test_models_of_others_are_refused(self):
        path = os.path.join(self.folder, "model.safetensors")
        for content, message in [(b"not a model", "model.safetensors"),
                                 (struct.pack("<Q", 2) + b"{}", "not a model of this program")]:
            write(content, path)
            for command in ["sample", "eval"]:
                flags = ["--data_dir=" + self.data] if command == "eval" else []
                self.refused(run(command, self.folder, "--checkpoint=" + path, *flags), "model.safetensors", message)
            self.assertEqual(os.listdir(self.folder), ["model.safetensors"])
        classifier = os.path.join("examples", "checkpoints", "mnist_classifier.safetensors")
        for command in ["sample", "export"]:
            self.refused(run(command, new_folder(), "--checkpoint=" + classifier),
                         "mnist_classifier.safetensors: a classifier of this program, not a flow model")
        self.succeed(self.train(self.folder, *SMALL, "--max_iterations=1", "--ema=0"))
        self.refused(run("sample", self.folder, "--use_ema"), "has no averaged weights")

        def change_channels(header):
            header["__metadata__"]["channels"] = "16"

        write(replace_header(read(path), change_channels), path)
        self.refused(run("sample", self.folder, "--checkpoint=" + path), "model.safetensors", "does not fit")

    def test_a_full_disk_is_reported_and_overwrites_nothing(self):
        # ThreadSanitizer makes a larger file of its own, unless there is no folder for it.
        limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
                 "env": dict(os.environ, TMPDIR="/nonexistent")}
        names = ["checkpoint.safetensors", "model.safetensors"]
        for name in names:
            write(b"precious", self.folder, name)
        done = self.train(self.folder, *SMALL, "--max_iterations=1", **limit)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("checkpoint.safetensors", done.stderr)
        self.assertEqual([read(self.folder, name) for name in names], [b"precious"] * 2)
        self.assertEqual(sorted(os.listdir(self.folder)), names)
        self.succeed(self.train(self.folder, *SMALL, "--max_iterations=1"))
        for command, name in [("sample", "samples.npy"), ("eval", "classifier.safetensors")]:
            flags = ["--steps=1"]
            if command == "eval":
                flags += ["--data_dir=" + self.data, "--samples_per_class=2"]
            done = run(command, self.folder, *flags, **limit)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(name, done.stderr)
            self.assertFalse(os.path.exists(os.path.join(self.folder, name)))

    def test_a_trace_is_written_where_the_command_was_typed(self):
        environment = dict(os.environ, AUTOGRAD_TRACE="trace.json", BUILD_WORKING_DIRECTORY=self.folder)
        self.succeed(start("info", "--channels=8", env=environment))
        self.assertIn("traceEvents", json.loads(read(self.folder, "trace.json")))
        environment["AUTOGRAD_TRACE"] = "no_folder/trace.json"
        self.refused(start("info", env=environment), "AUTOGRAD_TRACE: cannot write %s/no_folder/trace.json" % self.folder)

    def test_help_and_version(self):
        done = start("--help")
        self.assertEqual(done.returncode, 0)
        for command in ["train", "sample", "eval", "export", "info"]:
            self.assertIn("\n  %s\n" % command, done.stdout)
        for command, flags in [("train", "epochs=40 batch_size=256 chunk_size=32 learning_rate=0.001 null_probability=0.2 "
                                "ema=0.9999 flip dtype=auto channels=32,64,64 data_dir output_dir=mnist_out seed=0 threads=0 resume "
                                "max_iterations=0 eval_every=1"),
                               ("sample", "checkpoint use_ema labels=0-9 count=4 guidance_scale=4 solver=euler steps=50 "
                                "dtype=auto seed=0 init_noise output_dir=mnist_out threads=0"),
                               ("eval", "checkpoint use_ema samples_per_class=100 guidance_scale=2 solver=euler "
                                "steps=10,50 dtype=auto seed=0 data_dir output_dir=mnist_out threads=0"),
                               ("export", "checkpoint use_ema dtype=bf16 output output_dir=mnist_out"),
                               ("info", "checkpoint channels=32,64,64")]:
            done = start(command, "--help")
            self.assertEqual(done.returncode, 0)
            found = [line.strip()[2:] for line in done.stdout.splitlines() if line.startswith("  --")]
            self.assertEqual([name.replace("use_ema=true", "use_ema") for name in found], flags.split(), command)
        for arguments in [["--version"], ["train", "--version"]]:
            self.assertRegex(start(*arguments).stdout, r"^mnist \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
