"""What `mnist sample` draws."""

import os
import random
import unittest

from tests.examples.mnist.mnist_program import SMALL, Program, make_npy, new_folder, npy, read, run, write


class Sample(Program):

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

    def test_without_a_run_the_published_model_draws(self):
        done = self.succeed(run("sample", self.folder, "--steps=1", "--count=1", "--labels=7"))
        self.assertIn("mnist_unet.safetensors (averaged weights)", done.stdout)


if __name__ == "__main__":
    unittest.main()
