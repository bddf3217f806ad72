"""Scripts of benchmarks/ can be run, explain themselves, and say in a line what is wrong, never in a traceback.

Nothing here needs PyTorch or OpenBLAS, which tools/setup.sh installs only when asked to.
"""

import glob
import os
import subprocess
import sys
import tempfile
import unittest

FOLDER = os.path.abspath("benchmarks")
SCRIPTS = ["gemm_vs_openblas", "moons_quality", "moons_vs_pytorch", "unet_vs_pytorch"]


def run(name, *flags):
    command = [sys.executable, os.path.join(FOLDER, name + ".py")] + list(flags)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)


class Scripts(unittest.TestCase):
    def refused(self, words, name, *flags):
        done = run(name, *flags)
        self.assertNotEqual(done.returncode, 0, (name, flags))
        self.assertIn(words, done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def program(self, text):
        """The path of a program of these lines of shell."""
        with tempfile.NamedTemporaryFile("w", dir=os.environ.get("TEST_TMPDIR"), delete=False) as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(file.name, 0o755)
        return file.name

    def test_can_be_run(self):
        # Bazel adds __init__.py.
        paths = [path for path in glob.glob(os.path.join(FOLDER, "**", "*.py"), recursive=True)
                 if not path.endswith(("scripting.py", "__init__.py"))]
        self.assertEqual(len(paths), len(SCRIPTS) + 2)
        for path in paths:
            self.assertTrue(os.access(path, os.X_OK), path)
            with open(path, encoding="utf-8") as file:
                self.assertRegex(file.readline(), "^#!/usr/bin/")

    def test_help(self):
        for name in SCRIPTS:
            done = run(name, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertIn("benchmarks/%s.py" % name, done.stdout)

    def test_numbers(self):
        for name, flags in [("gemm_vs_openblas", ["--rounds", "--repetitions"]), ("moons_quality", ["--seeds"]),
                            ("moons_vs_pytorch", ["--rounds", "--threads"]),
                            ("unet_vs_pytorch", ["--rounds", "--threads", "--steps", "--batch_size"])]:
            for flag in flags:
                for value in ["0", "-1", "abc", "1.5"]:
                    self.refused("argument %s: '%s', expected a whole number, 1 or more" % (flag, value), name,
                                 "%s=%s" % (flag, value))
        self.refused("0 or more", "unet_vs_pytorch", "--chunk_size=-1")
        for value in ["0", "-1", "abc", "nan", "inf"]:
            self.refused("expected a number above 0", "gemm_vs_openblas", "--min_time=" + value)

    def test_programs_that_are_not_there(self):
        self.refused("/nowhere is not there: bazel build", "moons_quality", "--moons=/nowhere")
        self.refused("/nowhere is not there: bazel build", "moons_vs_pytorch", "--moons=/nowhere")
        self.refused("/nowhere/train_step is not there: bazel build", "unet_vs_pytorch", "--programs=/nowhere")
        self.refused("/nowhere: No such file", "unet_vs_pytorch", "--programs=" + FOLDER, "--python=/nowhere")
        self.refused("/bin/false has no torch", "unet_vs_pytorch", "--programs=" + FOLDER, "--python=/bin/false")

    def test_programs_that_fail(self):
        failing = self.program("echo no such schedule >&2; exit 2")
        self.refused("ended with status 2:\nno such schedule", "moons_quality", "--moons=" + failing, "--schedule=x")
        self.refused("says nothing of loss_last_1000", "moons_quality", "--moons=" + self.program("echo done"))
        self.refused("ended with status 2:\nno such schedule", "moons_vs_pytorch", "--moons=" + failing,
                     "--python=/bin/true")
        # A Python that has everything, and a program that is asked for too many threads.
        self.refused("train_step: SetNumThreads", "unet_vs_pytorch", "--programs=" + FOLDER, "--python=/bin/true",
                     "--threads=1000")

    def test_flags_that_moons_quality_needs_itself(self):
        for flag in ["--seed=3", "--output_dir=x"]:
            self.refused(flag, "moons_quality", "--moons=/bin/true", flag)


if __name__ == "__main__":
    unittest.main()
