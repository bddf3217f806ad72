"""The README is true: its code is the code of the repository, and its pictures, links and programs exist."""

import os
import re
import unittest

ROOT = os.path.dirname(os.path.realpath("WORKSPACE"))


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


README = read("README.md")


class Readme(unittest.TestCase):
    def test_code_is_the_examples(self):
        blocks = re.findall(r"```cpp\n(.*?)```", README, re.S)
        self.assertEqual(len(blocks), 1)
        self.assertIn(blocks[0], read("examples/custom_operation.cc"))

    def test_links_and_pictures_exist(self):
        prose = re.sub(r"```.*?```", "", README, flags=re.S)
        links = [link for link in re.findall(r"\]\(([^)]+)\)", prose) if not link.startswith("http")]
        self.assertGreater(len(links), 5)
        for link in links:
            self.assertTrue(os.path.exists(os.path.join(ROOT, link)), link)

    def test_the_two_commands_come_first(self):
        commands = re.search(r"```\n(.*?)```", README, re.S).group(1).splitlines()
        self.assertEqual(commands, ["tools/setup.sh && bazel run //examples:moons", "tools/setup.sh && bazel test //..."])


if __name__ == "__main__":
    unittest.main()
