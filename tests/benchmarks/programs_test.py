"""Programs of benchmarks/ run, and refuse what they cannot do with one line and an exit code."""

import json
import os
import subprocess
import unittest

FLAG_PROGRAMS = ["cold_chain", "compare_losses", "roofline", "sample", "train_step"]
BENCHMARKS = ["conv_benchmark", "gemm_benchmark", "matmul_benchmark"]
FAILED, WRONG = 1, 2  # exit codes: on the way, and before it: a flag or a number that cannot be


def run(name, *flags, **environment):
    command = [os.path.abspath(os.path.join("benchmarks", name))] + list(flags)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          env=dict(os.environ, **environment))


class Programs(unittest.TestCase):
    def refused(self, code, words, name, *flags, **environment):
        done = run(name, *flags, **environment)
        self.assertEqual(done.returncode, code, (name, flags, done.stderr))
        last = done.stderr.strip().splitlines()[-1]
        self.assertIn(words, last)
        self.assertTrue(last.startswith(name + ": "), last)
        return done

    def test_help(self):
        for name in FLAG_PROGRAMS + BENCHMARKS:
            done = run(name, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertIn("Flags:", done.stdout, name)
        self.assertIn("--batch=256", run("conv_benchmark", "--help").stdout)
        self.assertIn("--benchmark_filter", run("conv_benchmark", "--help").stdout)

    def test_flags_that_are_none(self):
        for name in FLAG_PROGRAMS + BENCHMARKS:
            self.refused(WRONG, "nope", name, "--nope")
            self.refused(WRONG, "'stray' is not a flag", name, "stray")

    def test_values(self):
        for name in ["roofline", "sample", "train_step"]:
            self.refused(WRONG, "batch_size", name, "--batch_size=abc")
            for flag in ["--batch_size=-1", "--steps=0", "--chunk_size=-5", "--chunk_size=-1", "--threads=-1"]:
                self.refused(WRONG, flag.split("=")[0], name, flag)
            self.refused(WRONG, "1 to 256", name, "--threads=1000")
        self.refused(WRONG, "--runs is empty", "compare_losses")
        self.refused(WRONG, "nowhere", "compare_losses", "--runs=nowhere")
        self.refused(WRONG, "batch", "conv_benchmark", "--batch=abc")
        for batch in ["-5", "0", "99999999999"]:
            self.refused(WRONG, "--batch is " + batch, "conv_benchmark", "--batch=" + batch)
        self.refused(WRONG, "--batch has no value", "conv_benchmark", "--batch=")

    def test_more_than_there_is_memory(self):
        # A sanitizer may end a program that asks for this much before the program hears of it.
        sanitizers = {name: "allocator_may_return_null=1" for name in ["ASAN_OPTIONS", "TSAN_OPTIONS"]}
        for name in ["roofline", "sample", "train_step"]:
            self.refused(FAILED, "cannot allocate", name, "--batch_size=99999999999", "--threads=1", **sanitizers)

    def test_instruction_sets(self):
        for name in ["train_step", "cold_chain", "gemm_benchmark", "matmul_benchmark"]:
            self.refused(WRONG, "AUTOGRAD_ISA is 'foo'", name, AUTOGRAD_ISA="foo")

    def test_filters(self):
        for name in BENCHMARKS:
            done = self.refused(FAILED, "no benchmark was run", name, "--benchmark_filter=zzz")
            self.assertIn("zzz", done.stderr)

    def test_train_step_and_sample_say_what_they_timed(self):
        report = json.loads(run("train_step", "--model=moons", "--batch_size=4", "--threads=1", "--steps=2").stdout)
        self.assertEqual([report[key] for key in ["model", "batch_size", "chunk_size", "threads", "steps"]],
                         ["moons", 4, 0, 1, 2])
        report = json.loads(run("sample", "--batch_size=1", "--threads=1", "--euler_steps=1", "--warmup=0").stdout)
        self.assertEqual([report[key] for key in ["model", "batch_size", "steps"]], ["unet", 1, 1])
        self.assertGreater(report["chunk_size"], 0)

    def test_benchmarks_report_shares_of_the_peak(self):
        for name, case, flags in [("gemm_benchmark", "^(f32|f64|bf16)/256x64x64/1/", []),
                                  ("conv_benchmark", "^forward/.*9->32@28.*/1/", ["--batch=1"])]:
            done = run(name, "--benchmark_format=json", "--benchmark_min_time=0.001", "--benchmark_filter=" + case,
                       *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = json.loads(done.stdout)["benchmarks"]
            self.assertGreaterEqual(len(rows), 2)
            for row in rows:
                self.assertGreater(row["of peak"], 0, row)


if __name__ == "__main__":
    unittest.main()
