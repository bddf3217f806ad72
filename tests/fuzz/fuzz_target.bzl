"""fuzz_target: a libFuzzer target, and a test of it that needs no libFuzzer."""

load("//tools/bazel:cc.bzl", "cc_binary", "cc_library", "cc_test")

def fuzz_target(name, corpus, deps):
    """Declares <name>, built by tools/fuzz.sh, and <name>_test, which runs over the corpus and mutations of it.

    Args:
      name: of the source <name>.cc, which defines LLVMFuzzerTestOneInput.
      corpus: folder of the seeds.
      deps: what the source needs.
    """
    cc_library(
        name = name + "_lib",
        testonly = True,
        srcs = [name + ".cc"],
        alwayslink = True,
        deps = deps,
    )
    cc_binary(
        name = name,
        testonly = True,
        # Only clang knows it.
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":" + name + "_lib"],
    )
    cc_test(
        name = name + "_test",
        srcs = ["corpus_test.cc"],
        data = native.glob([corpus + "/**"]),
        env = {"FUZZ_CORPUS": native.package_name() + "/" + corpus},
        deps = [":" + name + "_lib"],
    )
