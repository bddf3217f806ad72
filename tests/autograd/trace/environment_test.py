"""AUTOGRAD_TRACE and AUTOGRAD_ANOMALY in the environment of a program that mentions neither."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "small_program")


def run(x, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AUTOGRAD_TRACE")}
    environment.pop("AUTOGRAD_ANOMALY", None)
    environment.update(variables)
    result = subprocess.run([PROGRAM, x], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout, result.stderr


class TraceTest(unittest.TestCase):
    def test_writes_the_whole_program(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace.json")
            run("2", AUTOGRAD_TRACE=path)
            with open(path, encoding="utf-8") as file:
                events = json.load(file)["traceEvents"]
        by_name = {event["name"]: event for event in events}
        self.assertIn("Full", by_name)
        self.assertIn("Div backward", by_name)
        self.assertEqual(by_name["Div"]["args"]["shapes"], "[2] f32 [2] f32")

    def test_changes_nothing_the_program_prints(self):
        with tempfile.TemporaryDirectory() as folder:
            traced = run("2", AUTOGRAD_TRACE=os.path.join(folder, "trace.json"))
            self.assertEqual(traced, run("2"))
        self.assertIn("[0.5, 0.5] [2] f32", traced[0])

    def test_off_without_the_variable(self):
        with tempfile.TemporaryDirectory() as folder:
            before = os.getcwd()
            os.chdir(folder)
            try:
                run("2")
                run("2", AUTOGRAD_TRACE="")
                self.assertEqual(os.listdir(folder), [])
            finally:
                os.chdir(before)

    def test_a_file_that_cannot_be_written_is_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "missing", "trace.json")
            out, err = run("2", AUTOGRAD_TRACE=path)
            self.assertIn("AUTOGRAD_TRACE: cannot write " + path, err)
            self.assertIn("[0.5, 0.5]", out)


class AnomalyTest(unittest.TestCase):
    def test_off_by_default(self):
        for variables in ({}, {"AUTOGRAD_ANOMALY": "0"}, {"AUTOGRAD_ANOMALY": ""}):
            out, _ = run("0", **variables)
            self.assertIn("[inf, inf] [2] f32", out)

    def test_names_the_operation_of_a_result(self):
        out, _ = run("0", AUTOGRAD_ANOMALY="1")
        self.assertIn("error: Div: the result [2] f32 has a value that is not finite: inf", out)

    def test_names_the_operation_of_a_gradient(self):
        # 1e-30 has an inverse in f32, whose square overflows.
        out, _ = run("1e-30", AUTOGRAD_ANOMALY="1")
        # The first for a rule written in operations, the second for a fused one.
        self.assertRegex(
            out, r"error: (in the derivative of Div, \w+: the result|Div: the gradient of input 1) \[2\] f32")

    def test_leaves_finite_programs_alone(self):
        self.assertEqual(run("2", AUTOGRAD_ANOMALY="1"), run("2"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
