"""header_examples: compiles and runs the examples in a package's public headers."""

load("//tools/bazel:cc.bzl", "cc_library", "cc_test")

def header_examples(name = "header_examples", default_public = False, private = [], uses = []):
    """Declares the test of the examples in all public headers declared so far: call it last in the package.

    One translation unit for the package, so that it costs little. A header is public if its library's visibility says
    so.

    Args:
      name: the test's name.
      default_public: whether the package's default_visibility is public (a macro cannot read it; a test in
        tests/tools compares the two).
      private: headers of public libraries that users are not meant to include.
      uses: other packages with header_examples whose public headers the examples use without including them.
    """
    libraries = []
    headers = []
    for rule in native.existing_rules().values():
        if rule["kind"] != "cc_library" or rule.get("testonly"):
            continue
        visibility = rule.get("visibility")
        if "//visibility:public" in visibility if visibility else default_public:
            libraries.append(":" + rule["name"])
            headers.extend([h for h in rule.get("hdrs", ()) if h.endswith(".h") and h not in headers])
    names = [h[1:] if h.startswith(":") else h for h in headers]
    for header in private:
        if header not in names:
            fail("header_examples: no public library has the private header %s" % header)
    documented = sorted([h for h in names if h not in private])
    native.filegroup(
        name = "public_headers",
        srcs = documented,
        visibility = ["//:__subpackages__"],
    )
    cc_library(
        name = "public_libraries",
        testonly = True,
        deps = sorted(libraries),
        visibility = ["//:__subpackages__"],
    )
    native.genrule(
        name = name + "_source",
        testonly = True,
        srcs = documented + [package + ":public_headers" for package in uses],
        outs = [name + ".cc"],
        tools = ["//tests/headers:extract_examples.py"],
        cmd = " ".join(
            ["/usr/bin/python3 $(location //tests/headers:extract_examples.py) $@"] +
            ["$(location %s)" % header for header in documented] +
            ["--also"] +
            ["$(locations %s:public_headers)" % package for package in uses],
        ),
    )
    cc_test(
        name = name,
        srcs = [name + ".cc"],
        # An example may name a result and leave it there.
        copts = [
            "-Wno-unused",
            "-Wno-unused-parameter",
        ],
        deps = [package + ":public_libraries" for package in [""] + uses],
    )
