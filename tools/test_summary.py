"""Sums up a `bazel test` from the events it wrote with --build_event_json_file.

usage: test_summary.py EVENTS BAZEL_STATUS

Prints the slowest tests, each failure, and as the last line "N passed, N failed". What is counted: each test case that a
test program reports (GoogleTest, unittest); a test program that reports none, or fails outside of its cases, is one
case; so is a target that does not build. The status is 0 only if something passed, nothing failed and Bazel's own
status is 0.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree

SLOWEST = 10


class Summary:
    """What was counted, from the events of one invocation."""

    def __init__(self):
        self.passed = 0
        self.failures = []
        self.seconds = {}

    def add_event(self, event):
        identity = event["id"]
        if "testResult" in event:
            self._add_result(identity["testResult"], event["testResult"])
        elif "completed" in event and not event["completed"].get("success", False):
            self.failures.append(identity["targetCompleted"]["label"] + " does not build")
        elif "aborted" in event and event["aborted"].get("reason") in ("ANALYSIS_FAILURE", "LOADING_FAILURE"):
            for key in ("targetCompleted", "configuredLabel", "unconfiguredLabel"):
                if key in identity:
                    self.failures.append(identity[key]["label"] + " cannot be analysed")

    def _add_result(self, identity, result):
        label = identity["label"]
        shard = identity.get("shard", 1)
        name = label if shard == 1 else "%s (shard %d)" % (label, shard)
        self.seconds[name] = int(result.get("testAttemptDurationMillis", 0)) / 1000
        passed, failed = cases_of(result)
        self.passed += passed
        self.failures += ["%s %s" % (label, case) for case in failed]
        if result.get("status") != "PASSED" and not failed:
            self.failures.append("%s %s" % (name, result.get("status", "NO STATUS")))
        elif not passed and not failed:
            self.passed += 1

    def print(self):
        print("slowest tests:")
        for name, seconds in sorted(self.seconds.items(), key=lambda item: -item[1])[:SLOWEST]:
            print("%8.1f s  %s" % (seconds, name))
        for failure in self.failures:
            print("FAILED: " + failure)
        print("%d passed, %d failed" % (self.passed, len(self.failures)))


def cases_of(result):
    """(number of cases that passed, names of those that failed) from a test program's XML."""
    passed, failed = 0, []
    for output in result.get("testActionOutput", ()):
        if output["name"] != "test.xml":
            continue
        path = urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
        try:
            root = xml.etree.ElementTree.parse(path).getroot()
        except (OSError, xml.etree.ElementTree.ParseError):
            continue
        for case in root.iter("testcase"):
            if case.get("status") == "notrun":
                continue
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append("%s.%s" % (case.get("classname", ""), case.get("name", "")))
            else:
                passed += 1
    return passed, failed


def main():
    summary = Summary()
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            summary.add_event(json.loads(line))
    status = int(sys.argv[2])
    if status != 0 and not summary.failures:
        summary.failures.append("bazel ended with status %d" % status)
    summary.print()
    return 0 if summary.passed and not summary.failures else 1


if __name__ == "__main__":
    sys.exit(main())
