"""`mnist train --resume` after a limit, Ctrl-C, and with what does not belong to the checkpoint."""

import json
import os
import signal
import struct
import subprocess
import time
import unittest

from tests.examples.mnist.mnist_program import (
    PROGRAM, SMALL, TRAIN_IMAGES, Program, header_of, images, new_folder, read, replace_header, run, write)


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

    def test_ctrl_c_also_ends_the_drawing_of_a_grid(self):
        # A network so large that its grid takes many times as long as the wait for it.
        flags = ["--channels=64,64", "--batch_size=8", "--dtype=f32", "--epochs=1", "--eval_every=0"]
        process = subprocess.Popen([PROGRAM, "train", "--output_dir=" + self.folder, "--data_dir=" + self.data, *flags],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while process.poll() is None and not os.path.exists(os.path.join(self.folder, "metrics.jsonl")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=100)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn(b"interrupted after 5 iterations", errors)
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["checkpoint.safetensors", "loss.png", "metrics.jsonl", "model.safetensors"])

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


if __name__ == "__main__":
    unittest.main()
