"""What `mnist train` writes, in bf16 too, and the same bytes on any number of threads."""

import json
import os
import unittest

from tests.examples.mnist.mnist_program import SMALL, Program, header_of, new_folder, read, run, start


class Train(Program):

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
        done = self.succeed(start("info", "--checkpoint=" + self.folder + "/model.safetensors"))
        self.assertIn("averaged weights", done.stdout)
        self.assertIn("model.conv_in", done.stdout)

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


if __name__ == "__main__":
    unittest.main()
