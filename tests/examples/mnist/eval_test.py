"""What `mnist eval` measures."""

import json
import os
import re
import unittest

from tests.examples.mnist.mnist_program import SMALL, TRAIN_IMAGES, Program, images, read, run, write


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

    def test_what_comes_with_the_program_is_judged_without_training(self):
        done = self.succeed(run("eval", self.folder, "--samples_per_class=1", "--steps=1"))
        self.assertNotIn("training the classifier", done.stderr)
        report = json.loads(read(self.folder, "eval.json"))
        self.assertIn("mnist_unet.safetensors", report["checkpoint"])
        self.assertGreaterEqual(report["classifier_accuracy"], 0.99)
        self.assertEqual(os.listdir(self.folder), ["eval.json"])


if __name__ == "__main__":
    unittest.main()
