"""extract_examples finds what it should, and refuses a header without an example."""

import unittest

from tests.headers import extract_examples

HEADER = """// What it is for.
//
// Example:
//   #include <map>
//   int x = 1;
//
//   int y = x;
// The essay goes on.
// Example (not run):
//   Forever();
#ifndef GUARD_
// Example:
//   int not_in_the_opening_comment;
"""


class ExtractExamplesTest(unittest.TestCase):

    def test_finds_each_example_with_its_lines(self):
        (runs, first), (runs_too, second) = extract_examples.examples(HEADER)
        self.assertTrue(runs)
        self.assertFalse(runs_too)
        self.assertEqual(first, [(4, "#include <map>"), (5, "int x = 1;"), (6, ""), (7, "int y = x;")])
        self.assertEqual(second, [(10, "Forever();")])

    def test_program_includes_compiles_and_calls(self):
        text = extract_examples.program([("autograd/a.h", HEADER)], ["nn/b.h"])
        self.assertIn('#include "nn/b.h"\n#include "autograd/a.h"\n#include <map>\n', text)
        self.assertIn('#line 5 "autograd/a.h"\nint x = 1;\n', text)
        self.assertRegex(text, r"TEST\(HeaderExample, autograd_a_h\) {[^}]*  Example\(\);")
        self.assertNotRegex(text, r"TEST\(HeaderExample, autograd_a_h_2\) {[^}]*  Example\(\);")
        self.assertNotIn("not_in_the_opening_comment", text)

    def test_classes_go_before_the_function(self):
        lines = [(1, "int x;"), (2, "class A {"), (3, "  struct B {"), (4, "  };"), (5, "};"), (6, "A a;")]
        types, statements = extract_examples.split_types(lines)
        self.assertEqual([number for number, _ in types], [2, 3, 4, 5])
        self.assertEqual([number for number, _ in statements], [1, 6])

    def test_refuses_a_header_without_an_example(self):
        for text in ("", "// What it is for.\n#ifndef X\n", "// Example:\n// prose\n#ifndef X\n", "#ifndef X\n" + HEADER):
            with self.assertRaisesRegex(ValueError, "^autograd/b.h:1: "):
                extract_examples.program([("autograd/a.h", HEADER), ("autograd/b.h", text)])


if __name__ == "__main__":
    unittest.main()
