"""isa_cc_test: the same test once for each instruction set the kernels can be restricted to."""

load(":cc.bzl", "COPTS", "cc_test")

ISAS = ["scalar", "avx2", "avx512", "amx"]

# For kernels of bf16. On a processor with AMX the instructions of AVX512_BF16 would not be tested otherwise.
BF16_ISAS = ISAS + ["avx512_bf16"]

def isa_cc_test(name, srcs, env = {}, size = "small", deps = [], copts = [], isas = ISAS, shard_count = None, **kwargs):
    """Compiles srcs once and declares a test <name>_<isa> for each instruction set, and a suite <name> of them.

    On a processor without an instruction set the test runs with the best one there is.
    """
    native.cc_library(
        name = name + "_lib",
        srcs = srcs,
        testonly = True,
        alwayslink = True,
        linkstatic = True,
        # Optimised, unlike other tests: references of kernels are long loops, and run once for each.
        copts = COPTS + copts,
        deps = deps + ["@com_google_googletest//:gtest"],
    )
    for isa in isas:
        cc_test(
            name = name + "_" + isa,
            size = size,
            env = dict(env, AUTOGRAD_ISA = isa),
            shard_count = shard_count,
            deps = [":" + name + "_lib"],
            **kwargs
        )
    native.test_suite(
        name = name,
        tests = [":" + name + "_" + isa for isa in isas],
    )
