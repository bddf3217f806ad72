"""Runs the mnist program as a user would, on a handful of images: its files, flags, errors, --resume, and Ctrl-C."""

import array
import gzip
import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.path.join("examples", "mnist", "mnist")
# The smallest network, and an epoch of five iterations of three chunks each.
SMALL = ["--channels=8", "--batch_size=8", "--chunk_size=3", "--dtype=f32"]
TRAIN_IMAGES, TEST_IMAGES = 43, 30


def run(command, folder, *flags, **kwargs):
    arguments = [PROGRAM, command, "--output_dir=" + folder] + list(flags)
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **kwargs)


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
        """One line on standard error that holds the messages."""
        self.assertIn(done.returncode, (1, 2), done.stderr)
        for message in messages:
            self.assertIn(message, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


class Files(Program):

    def test_train_writes_what_it_promises(self):
        done = self.succeed(self.train(self.folder, *SMALL, "--epochs=1", "--null_probability=0.5", "--seed=3"))
        self.assertRegex(done.stdout, r"Finished epoch 1\. Average of the last 100 loss values: \d\.\d{4}\n")
        self.assertRegex(done.stderr, r"epoch 1/1 5/5 100% [\d.]+ it/s, 0:00 left, loss \d\.\d{4}")
        lines = [json.loads(line) for line in read(self.folder, "metrics.jsonl").splitlines()]
        self.assertEqual([list(line) for line in lines],
                         [["epoch", "loss", "test_loss", "seconds", "images_per_second", "peak_memory_bytes"]])
        self.assertEqual(lines[0]["epoch"], 1)
        self.assertGreater(lines[0]["test_loss"], 0)
        self.assertGreater(lines[0]["peak_memory_bytes"], 1 << 20)
        for name in ["loss.png", "samples_epoch_01.png"]:
            self.assertEqual(read(self.folder, name)[:8], b"\x89PNG\r\n\x1a\n", name)
        checkpoint = header_of(read(self.folder, "checkpoint.safetensors"))
        for name in ["weights.class_emb.weight", "ema.model.conv_in.weight", "ema.num_updates",
                     "optimizer.model.conv_in.weight.exp_avg", "generator.state", "loader.position"]:
            self.assertIn(name, checkpoint)
        self.assertEqual(checkpoint["progress.losses"]["shape"], [5])
        self.assertEqual((checkpoint["__metadata__"]["null_probability"], checkpoint["__metadata__"]["seed"]),
                         ("0.5", "3"))
        model = header_of(read(self.folder, "model.safetensors"))
        self.assertEqual(model["model.conv_in.weight"]["shape"], [8, 9, 3, 3])  # PyTorch's layout
        self.assertEqual((model["__metadata__"]["weights"], model["__metadata__"]["channels"]), ("ema", "8"))
        self.assertNotIn("tmp", " ".join(os.listdir(self.folder)))
        done = self.succeed(subprocess.run([PROGRAM, "info", "--checkpoint=" + self.folder + "/model.safetensors"],
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True))
        self.assertIn("averaged weights", done.stdout)
        self.assertIn("model.conv_in", done.stdout)

    def test_sample_draws_the_labels_asked_for(self):
        self.succeed(self.train(self.folder, *SMALL, "--max_iterations=2"))
        out = new_folder()
        checkpoint = "--checkpoint=" + os.path.join(self.folder, "checkpoint.safetensors")
        common = [checkpoint, "--labels=3,1", "--count=2", "--steps=3"]
        self.succeed(run("sample", out, *common, "--guidance_scale=4"))
        for name in ["samples.png", "flow.png"]:
            self.assertEqual(read(out, name)[:8], b"\x89PNG\r\n\x1a\n", name)
        shape, strong = npy(read(out, "samples.npy"))
        self.assertEqual(shape, (6, 28, 28, 1))
        # Guidance changes the columns of the digits and not that of the null label.
        self.succeed(run("sample", out, *common, "--guidance_scale=1"))
        _, plain = npy(read(out, "samples.npy"))
        same = [strong[784 * i:784 * i + 784] == plain[784 * i:784 * i + 784] for i in range(6)]
        self.assertEqual(same, [True, False, False, True, False, False])
        # The exported model is the checkpoint's average; the last weights are others.
        average = read(out, "samples.npy")
        model = "--checkpoint=" + os.path.join(self.folder, "model.safetensors")
        self.succeed(run("sample", out, model, *common[1:], "--guidance_scale=1"))
        self.assertEqual(read(out, "samples.npy"), average)
        self.succeed(run("sample", out, *common, "--guidance_scale=1", "--use_ema=false"))
        self.assertNotEqual(read(out, "samples.npy"), average)

    def test_init_noise_has_the_order_of_the_grid(self):
        self.succeed(self.train(self.folder, *SMALL, "--max_iterations=2", "--ema=0"))
        source = random.Random(5)
        noise = [source.gauss(0, 1) for _ in range(4 * 784)]
        path = os.path.join(self.folder, "noise.npy")
        sample = ["--init_noise=" + path, "--steps=2", "--solver=heun2"]
        write(make_npy((4, 28, 28, 1), noise), path)
        self.succeed(run("sample", self.folder, *sample, "--labels=7", "--count=2"))
        _, both = npy(read(self.folder, "samples.npy"))
        write(make_npy((2, 28, 28, 1), noise[2 * 784:]), path)
        self.succeed(run("sample", self.folder, *sample, "--labels=7", "--count=1"))
        _, second = npy(read(self.folder, "samples.npy"))
        self.assertEqual(both[2 * 784:], second)
        write(make_npy((4, 28, 28), noise), path)
        self.refused(run("sample", self.folder, *sample, "--labels=7", "--count=2"), "noise.npy", "[4, 28, 28] f32",
                     "expected [4, 28, 28, 1] f32")


class Export(Program):

    def test_bf16_takes_half_and_draws_nearly_the_same(self):
        self.succeed(self.train(self.folder, *SMALL, "--max_iterations=2"))
        done = self.succeed(run("export", self.folder))
        self.assertIn("as bf16 in", done.stdout)
        path = os.path.join(self.folder, "model_bf16.safetensors")
        header = header_of(read(path))
        self.assertEqual(header["model.conv_in.weight"]["dtype"], "BF16")
        self.assertEqual(header["__metadata__"]["weights"], "ema")
        self.assertLess(len(read(path)), 0.65 * len(read(self.folder, "model.safetensors")))
        sample = ["--steps=2", "--count=1", "--labels=7", "--dtype=f32"]
        self.succeed(run("sample", self.folder, *sample))
        _, wanted = npy(read(self.folder, "samples.npy"))
        other = new_folder()
        self.succeed(run("sample", other, "--checkpoint=" + path, *sample))
        _, found = npy(read(other, "samples.npy"))
        self.assertNotEqual(found, wanted)
        self.assertLess(max(abs(a - b) for a, b in zip(found, wanted)), 0.05)
        # In f32 it is model.safetensors again.
        named = os.path.join(other, "weights.safetensors")
        self.succeed(run("export", self.folder, "--dtype=f32", "--output=" + named))
        self.succeed(run("sample", other, "--checkpoint=" + named, *sample))
        self.assertEqual(npy(read(other, "samples.npy"))[1], wanted)
        self.refused(run("export", self.folder, "--dtype=auto"), "--dtype is 'auto', expected f32 or bf16")

    def test_without_a_run_the_published_model_is_used_or_missed(self):
        empty = new_folder()
        done = run("sample", empty, "--steps=1", "--count=1", "--labels=7")
        if done.returncode == 0:
            self.assertIn("mnist_unet.safetensors", done.stdout)
        else:
            self.refused(done, "examples/checkpoints/mnist_unet.safetensors, the model that comes with the program",
                         "--checkpoint")


class Eval(Program):

    def test_judges_each_setting_and_keeps_the_classifier(self):
        self.succeed(self.train(self.folder, *SMALL, "--max_iterations=1"))
        flags = ["--data_dir=" + self.data, "--samples_per_class=2", "--guidance_scale=1,2", "--steps=1,2"]
        done = self.succeed(run("eval", self.folder, *flags))
        self.assertIn("training the classifier", done.stderr)
        report = json.loads(read(self.folder, "eval.json"))
        self.assertEqual(list(report), ["checkpoint", "weights", "dtype", "solver", "samples_per_class", "test_images",
                                        "seed", "classifier_accuracy", "floor", "settings"])
        self.assertEqual([(row["guidance_scale"], row["steps"]) for row in report["settings"]],
                         [(1, 1), (1, 2), (2, 1), (2, 2)])
        for row in [report["floor"]] + report["settings"]:
            self.assertTrue(0 <= row["accuracy"] <= 1, row)
            self.assertGreater(row["frechet_distance"], 0)
        self.assertIn("20 training images (floor)", done.stdout)
        self.assertEqual(len(re.findall(r"\nguidance [12], [12] euler steps ", done.stdout)), 4, done.stdout)
        # Once more: the same numbers, without training.
        classifier = read(self.folder, "classifier.safetensors")
        done = self.succeed(run("eval", self.folder, *flags, "--threads=3"))
        self.assertNotIn("training", done.stderr)
        self.assertIn("drawing 180/180 100%", done.stderr)
        self.assertEqual(read(self.folder, "classifier.safetensors"), classifier)
        again = json.loads(read(self.folder, "eval.json"))
        for row in report["settings"] + again["settings"]:
            row.pop("seconds")
        self.assertEqual(again, report)
        # Of other images another one is trained; what is no classifier is not replaced.
        write(images(TRAIN_IMAGES, 9), self.data, "train-images-idx3-ubyte")
        self.succeed(run("eval", self.folder, *flags[:2], "--steps=1"))
        self.assertNotEqual(read(self.folder, "classifier.safetensors"), classifier)
        for content in [b"precious", read(self.folder, "model.safetensors"), classifier[:-4]]:
            write(content, self.folder, "classifier.safetensors")
            self.refused(run("eval", self.folder, *flags), "classifier.safetensors")
            self.assertEqual(read(self.folder, "classifier.safetensors"), content)
        # Held against as many test images of each digit as there are.
        write(classifier, self.folder, "classifier.safetensors")
        self.assertEqual(report["test_images"], 20)
        self.succeed(run("eval", self.folder, flags[0], "--samples_per_class=4", "--steps=1"))
        self.assertEqual(json.loads(read(self.folder, "eval.json"))["test_images"], 30)
        self.refused(run("eval", self.folder, flags[0], "--samples_per_class=100"), "training images of a 0")


class Resume(Program):

    def test_continues_to_the_same_bytes(self):
        # Stopped within the first epoch and continued into the second.
        whole, parts = new_folder(), new_folder()
        self.succeed(self.train(whole, *SMALL, "--epochs=3", "--max_iterations=7"))
        self.succeed(self.train(parts, *SMALL, "--epochs=3", "--max_iterations=3"))
        self.assertFalse(os.path.exists(os.path.join(parts, "metrics.jsonl")))
        done = self.succeed(self.train(parts, "--resume", "--epochs=3", "--max_iterations=7"))
        self.assertIn("continuing after 3 iterations, 0 of 3 epochs", done.stdout)
        for name in ["checkpoint.safetensors", "model.safetensors", "loss.png", "samples_epoch_01.png"]:
            self.assertEqual(read(whole, name), read(parts, name), name)
        # A grid that Ctrl-C left out is drawn.
        grid = read(parts, "samples_epoch_01.png")
        os.remove(os.path.join(parts, "samples_epoch_01.png"))
        self.succeed(self.train(parts, "--resume", "--epochs=1", "--max_iterations=5"))
        self.assertFalse(os.path.exists(os.path.join(parts, "samples_epoch_01.png")))  # of weights that are gone
        other = new_folder()
        self.succeed(self.train(other, *SMALL, "--epochs=3", "--max_iterations=5"))
        os.remove(os.path.join(other, "samples_epoch_01.png"))
        self.succeed(self.train(other, "--resume", "--epochs=1"))
        self.assertEqual(read(other, "samples_epoch_01.png"), grid)
        # Lines of epochs that are done stay, and a run that has all it should stays as it is.
        before = read(parts, "checkpoint.safetensors"), read(parts, "metrics.jsonl")
        self.assertEqual(json.loads(before[1])["epoch"], 1)
        self.succeed(self.train(parts, "--resume", "--epochs=1"))
        self.assertEqual((read(parts, "checkpoint.safetensors"), read(parts, "metrics.jsonl")), before)

    def test_ctrl_c_leaves_a_checkpoint_that_continues(self):
        process = subprocess.Popen([PROGRAM, "train", "--output_dir=" + self.folder, "--data_dir=" + self.data,
                                    "--epochs=1000000", "--eval_every=0", *SMALL],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=50)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn(b"interrupted after", errors)
        header = header_of(read(self.folder, "checkpoint.safetensors"))
        done = header["progress.losses"]["shape"][0]
        self.assertIn("class_emb.weight", header_of(read(self.folder, "model.safetensors")))
        self.succeed(self.train(self.folder, "--resume", "--epochs=1000000", "--eval_every=0",
                                "--max_iterations=%d" % (done + 1)))
        whole = new_folder()
        if done < 20:  # as many iterations at once; a machine that does many more in the time is spared this
            self.succeed(self.train(whole, *SMALL, "--epochs=1000000", "--eval_every=0",
                                    "--max_iterations=%d" % (done + 1)))
            self.assertEqual(read(whole, "checkpoint.safetensors"), read(self.folder, "checkpoint.safetensors"))

    def test_checkpoints_older_than_chunks_go_on_without_them(self):
        whole = new_folder()
        self.succeed(self.train(whole, *SMALL, "--chunk_size=0", "--max_iterations=4"))
        self.succeed(self.train(self.folder, *SMALL, "--chunk_size=0", "--max_iterations=2"))
        path = os.path.join(self.folder, "checkpoint.safetensors")
        write(replace_header(read(path), lambda header: header["__metadata__"].pop("chunk_size")), path)
        self.refused(self.train(self.folder, "--resume", "--chunk_size=3"), "--chunk_size=3 contradicts the checkpoint")
        self.succeed(self.train(self.folder, "--resume", "--max_iterations=4"))
        self.assertEqual(read(path), read(whole, "checkpoint.safetensors"))

    def test_what_does_not_belong_to_the_checkpoint_is_refused(self):
        self.refused(self.train(self.folder, "--resume"), "checkpoint.safetensors", "No such file")
        self.succeed(self.train(self.folder, *SMALL, "--max_iterations=2"))
        path = os.path.join(self.folder, "checkpoint.safetensors")
        good = read(path)

        def resume_refused(bytes_of_file, *messages, flags=()):
            write(bytes_of_file, path)
            self.refused(self.train(self.folder, "--resume", *flags), *messages)
            self.assertEqual(read(path), bytes_of_file)

        resume_refused(good[:-10], "checkpoint.safetensors")
        resume_refused(b"not a checkpoint", "checkpoint.safetensors")
        # One bit of a number is another one.
        middle = len(good) // 2
        resume_refused(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:], "checkpoint.safetensors: damaged")
        write(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:], path)
        self.refused(run("sample", new_folder(), "--checkpoint=" + path), "checkpoint.safetensors: damaged")
        resume_refused(struct.pack("<Q", 2) + b"{}", "not a model of this program")
        resume_refused(read(self.folder, "model.safetensors"), "only a checkpoint can be continued")
        resume_refused(good, "checkpoint.safetensors: --channels=16 contradicts the checkpoint, which was trained with "
                       "8", flags=["--channels=16"])
        resume_refused(good, "--batch_size=4 contradicts the checkpoint", flags=["--batch_size=4"])
        resume_refused(good, "--chunk_size=4 contradicts the checkpoint", flags=["--chunk_size=4"])
        resume_refused(good, "--dtype=bf16 contradicts the checkpoint, which was trained with f32",
                       flags=["--dtype=bf16"])
        resume_refused(good, "--seed=1 contradicts the checkpoint", flags=["--seed=1"])

        def change_channels(header):
            header["__metadata__"]["channels"] = "16"

        def change_program(header):
            header["__metadata__"]["program"] = "moons"

        def rename(header):
            header["optimiser.step"] = header.pop("loader.position")

        resume_refused(replace_header(good, change_channels), "the state does not fit")
        resume_refused(replace_header(good, change_program), "a file of the program moons, not of mnist")
        resume_refused(replace_header(good, rename), "it has no loader.position")
        write(good, path)
        write(images(TRAIN_IMAGES, 9), self.data, "train-images-idx3-ubyte")
        self.refused(self.train(self.folder, "--resume"), "are not those the checkpoint was trained on")
        self.assertEqual(read(path), good)


class Threads(Program):

    def test_bf16_goes_on_in_bf16(self):
        whole = new_folder()
        done = self.succeed(self.train(whole, *SMALL, "--dtype=bf16", "--max_iterations=4"))
        self.assertIn("activations bf16", done.stdout)
        self.succeed(self.train(self.folder, *SMALL, "--dtype=bf16", "--max_iterations=2"))
        self.succeed(self.train(self.folder, "--resume", "--max_iterations=4"))
        self.assertEqual(read(self.folder, "checkpoint.safetensors"), read(whole, "checkpoint.safetensors"))
        f32 = new_folder()
        self.succeed(self.train(f32, *SMALL, "--max_iterations=4"))
        self.assertNotEqual(read(f32, "checkpoint.safetensors"), read(whole, "checkpoint.safetensors"))

    def test_same_bytes_on_any_number_of_threads(self):
        wanted = None
        for threads in (1, 3):
            self.succeed(self.train(self.folder, "--channels=8,8", "--batch_size=8", "--chunk_size=3", "--max_iterations=4",
                                    "--threads=%d" % threads))
            self.succeed(run("sample", self.folder, "--steps=2", "--count=1", "--threads=%d" % threads))
            found = [read(self.folder, name) for name in ["checkpoint.safetensors", "samples.npy", "flow.png"]]
            wanted = wanted or found
            self.assertEqual(found, wanted, "%d threads" % threads)


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
                                       ("train", "--epoch=5", "epoch")]:
            done = run(command, self.folder, flag)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)

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

    def test_help_and_version(self):
        done = subprocess.run([PROGRAM, "--help"], stdout=subprocess.PIPE, universal_newlines=True)
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
            done = subprocess.run([PROGRAM, command, "--help"], stdout=subprocess.PIPE, universal_newlines=True)
            self.assertEqual(done.returncode, 0)
            found = [line.strip()[2:] for line in done.stdout.splitlines() if line.startswith("  --")]
            self.assertEqual([name.replace("use_ema=true", "use_ema") for name in found], flags.split(), command)
        for arguments in [["--version"], ["train", "--version"]]:
            version = subprocess.run([PROGRAM] + arguments, stdout=subprocess.PIPE, universal_newlines=True).stdout
            self.assertRegex(version, r"^mnist \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
