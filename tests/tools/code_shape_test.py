"""Rules that hold for every source file of the project, whoever writes it."""

import os
import re
import subprocess
import unittest

# The sources themselves, not this test's links to them.
ROOT = os.path.dirname(os.path.realpath("WORKSPACE"))
# Somebody else's project, as far as include guards go.
FOREIGN = "tests/foreign/workspace/"
LAYERS = ("autograd/", "nn/", "flowmatch/")
MAX_LINES = 450


def source_files():
    """Paths from the root of all files that are not products of a build or of a program."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith((".", "bazel-")) and not f.endswith(("_out", "__pycache__"))]
        found += [os.path.relpath(os.path.join(folder, f), ROOT) for f in files]
    return sorted(found)


FILES = source_files()
CPP = [f for f in FILES if f.endswith((".h", ".cc"))]
HEADERS = [f for f in CPP if f.endswith(".h")]


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class CodeShapeTest(unittest.TestCase):

    def test_there_is_something_to_check(self):
        self.assertIn("autograd/tensor.h", HEADERS)
        self.assertIn("autograd/BUILD", FILES)

    def test_formatted(self):
        done = subprocess.run(["clang-format", "--dry-run", "--Werror", "--ferror-limit=1", *CPP], cwd=ROOT,
                              stderr=subprocess.PIPE, text=True, check=False)
        unformatted = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.MULTILINE)))
        self.assertEqual(unformatted, [], "run clang-format -i on these")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_headers_open_with_what_they_are_for(self):
        self.assertEqual([h for h in HEADERS if not re.match(r"// \S", text(h))], [])

    def test_include_guards_follow_the_path(self):
        wrong = []
        for header in HEADERS:
            guard = re.sub(r"\W", "_", header).upper() + "_"
            opening = "\n#ifndef %s\n#define %s\n" % (guard, guard)
            if not header.startswith(FOREIGN) and opening not in text(header):
                wrong.append("%s: %s" % (header, guard))
        self.assertEqual(wrong, [])

    def test_files_fit_in_a_head(self):
        lengths = {f: text(f).count("\n") for f in CPP}
        self.assertEqual({f: n for f, n in lengths.items() if n > MAX_LINES}, {}, "is there a seam to split them along?")

    def test_nothing_is_left_for_later(self):
        marks = re.compile(r"\b(TODO|FIXME|XXX|GTEST_SKIP|DISABLED_\w+)\b")
        # A processor that lacks what a test needs is nothing left for later; one file says so for all of them.
        skips = "tests/autograd/kernels/needs_isa.h"
        checked = [f for f in FILES if f.endswith((".h", ".cc", ".bzl", ".sh", "BUILD")) and f != skips]
        self.assertEqual(["%s: %s" % (f, m.group()) for f in checked for m in marks.finditer(text(f))], [])

    def test_examples_of_public_headers_are_tested(self):
        wrong = []
        for build in [f for f in FILES if f.endswith("/BUILD") and f.startswith(LAYERS)]:
            content = text(build)
            default_public = 'package(default_visibility = ["//visibility:public"])' in content
            call = re.search(r"^header_examples\((.*?)\)$", content, re.MULTILINE | re.DOTALL)
            if ".h\"" in content and '"//visibility:public"' in content and not call:
                wrong.append(build + " does not end with header_examples()")
            if call and ("default_public = True" in call.group(1)) != default_public:
                wrong.append(build + ": default_public = True belongs exactly where the package is public")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
