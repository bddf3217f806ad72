"""What `mnist export` writes."""

import os
import unittest

from tests.examples.mnist.mnist_program import SMALL, Program, header_of, new_folder, npy, read, run


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


if __name__ == "__main__":
    unittest.main()
