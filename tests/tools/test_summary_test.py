"""The counts of tools/test_summary.py, on events as Bazel writes them."""

import contextlib
import io
import os
import tempfile
import unittest

from tools import test_summary

XML = """<?xml version="1.0"?><testsuites><testsuite name="A">
<testcase name="Ok" classname="A" status="run"/>
<testcase name="Off" classname="A" status="notrun"/>%s
</testsuite></testsuites>"""
FAILED_CASE = '<testcase name="Bad" classname="A" status="run"><failure message="no"/></testcase>'


class TestSummaryTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.summary = test_summary.Summary()

    def result(self, label, status, xml=None):
        """The event of a test program that ran for 1.5 s and left `xml`."""
        outputs = []
        if xml is not None:
            path = os.path.join(self.folder, "a test.xml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(xml)
            outputs.append({"name": "test.xml", "uri": "file://" + path.replace(" ", "%20")})
        return {"id": {"testResult": {"label": label}},
                "testResult": {"status": status, "testAttemptDurationMillis": "1500", "testActionOutput": outputs}}

    def last_line(self):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            self.summary.print()
        return output.getvalue().splitlines()[-1]

    def test_counts_cases_and_leaves_out_those_not_run(self):
        self.summary.add_event(self.result("//:a", "FAILED", XML % FAILED_CASE))
        self.assertEqual(self.summary.failures, ["//:a A.Bad"])
        self.assertEqual(self.last_line(), "1 passed, 1 failed")
        self.assertEqual(self.summary.seconds, {"//:a": 1.5})

    def test_a_program_without_cases_is_one_case(self):
        self.summary.add_event(self.result("//:a", "PASSED"))
        self.summary.add_event(self.result("//:b", "FAILED"))
        self.assertEqual(self.last_line(), "1 passed, 1 failed")

    def test_a_crash_or_timeout_after_cases_that_passed_fails(self):
        self.summary.add_event(self.result("//:a", "TIMEOUT", XML % ""))
        self.summary.add_event(self.result("//:b", "FAILED", "<testsuites><cut off"))
        self.assertEqual(self.summary.failures, ["//:a TIMEOUT", "//:b FAILED"])
        self.assertEqual(self.last_line(), "1 passed, 2 failed")

    def test_targets_that_do_not_build_fail(self):
        self.summary.add_event({"id": {"targetCompleted": {"label": "//:a"}}, "completed": {"success": True}})
        self.summary.add_event({"id": {"targetCompleted": {"label": "//:b"}}, "completed": {}})
        self.summary.add_event({"id": {"targetCompleted": {"label": "//:c"}}, "aborted": {"reason": "ANALYSIS_FAILURE"}})
        self.summary.add_event({"id": {"targetCompleted": {"label": "//:d"}}, "aborted": {"reason": "SKIPPED"}})
        self.assertEqual(self.last_line(), "0 passed, 2 failed")


if __name__ == "__main__":
    unittest.main()
