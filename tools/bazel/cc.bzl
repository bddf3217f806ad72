"""cc_library, cc_test and cc_binary with the flags every target of the project needs.

Flags in .bazelrc reach only builds started in this workspace; a project that depends on this one as an external
repository gets the flags below.
"""

# -ffp-contract=off: a*b+c must round the same in a kernel's main loop and in its tail.
COPTS = [
    "-std=c++20",
    "-ffp-contract=off",
]

# Tests spend their time in the library, and being compiled: without optimisation that takes half as long. (glibc's
# checks of buffers want optimisation.) A test whose own loops are long has "-O2" among its copts.
TEST_COPTS = COPTS + [
    "-O0",
    "-U_FORTIFY_SOURCE",
]

def cc_library(name, copts = [], **kwargs):
    # No shared libraries, for which every file would be compiled a second time.
    native.cc_library(name = name, copts = COPTS + copts, linkstatic = True, **kwargs)

def cc_binary(name, copts = [], **kwargs):
    native.cc_binary(name = name, copts = COPTS + copts, **kwargs)

def cc_test(name, copts = [], size = "small", deps = [], **kwargs):
    native.cc_test(
        name = name,
        size = size,
        copts = TEST_COPTS + copts,
        deps = deps + ["@com_google_googletest//:gtest_main"],
        # Bazel would link tests against one shared library for each target. The linker would then drop, as not needed,
        # libraries of Debian that only those refer to.
        linkstatic = True,
        **kwargs
    )
