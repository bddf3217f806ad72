"""kernel_library: one kernel family, compiled once for each instruction set."""

load("//tools/bazel:cc.bzl", "cc_library")

_AVX2 = ["-mavx2", "-mfma", "-mf16c"]

# gcc 12 warns of "uninitialised" operands inside its own AVX-512 intrinsics (gcc bug 105593).
_AVX512 = _AVX2 + [
    "-mavx512f",
    "-mavx512bw",
    "-mavx512dq",
    "-mavx512vl",
    "-mprefer-vector-width=512",
    "-Wno-maybe-uninitialized",
    "-Wno-uninitialized",
]
_ISA_COPTS = {
    "avx2": _AVX2,
    "avx512": _AVX512,
    "avx512_bf16": _AVX512 + ["-mavx512bf16"],
    "amx": _AVX512 + ["-mavx512bf16", "-mamx-tile", "-mamx-bf16"],
}
_EMULATED_AMX = _ISA_COPTS["avx512_bf16"] + ["-DAUTOGRAD_EMULATE_AMX"]

X86_DEFINES = select({
    "@platforms//cpu:x86_64": ["AUTOGRAD_X86=1"],
    "//conditions:default": [],
})

def _isa_library(name, srcs, copts, **kwargs):
    cc_library(
        name = name,
        srcs = srcs,
        copts = ["-O3"] + select({
            "@platforms//cpu:x86_64": copts,
            "//conditions:default": [],
        }),
        tags = ["isa_kernel"],
        deps = ["//autograd:bfloat16"],
        target_compatible_with = ["@platforms//cpu:x86_64"],
        visibility = ["//tests/autograd:__subpackages__"],
        **kwargs
    )

def kernel_library(name, hdrs, srcs, isa_srcs, isa_hdrs = [], deps = [], **kwargs):
    """A dispatching library over per-instruction-set sources.

    Args:
      name: the library other targets depend on.
      hdrs: the family's header (raw-pointer functions, or a table of them).
      srcs: the scalar reference and the dispatcher, compiled for every processor. AUTOGRAD_X86 is defined there
        where the files of isa_srcs exist.
      isa_srcs: {"avx2": [...], "avx512": [...], "avx512_bf16": [...], "amx": [...]}; each list becomes a target
        <name>_<isa> with that instruction set's flags. Such a file may include only intrinsics, <cstdint>-like C headers and isa_hdrs:
        a std:: or absl template instantiated there could be the copy the linker keeps for the whole program, and
        would crash an older processor. The test <name>_symbols rejects weak symbols in the objects.
        The files of "amx" are compiled a second time, as <name>_amx_emulated for tests: with AVX512_BF16 and amx_tile.h's
        emulation of tiles.
      isa_hdrs: headers included only by isa_srcs; everything in them is in an anonymous namespace.
      deps: dependencies of the dispatcher.
      **kwargs: passed to the dispatching cc_library.
    """
    isa_targets = []
    for isa, files in isa_srcs.items():
        _isa_library(name + "_" + isa, files + hdrs + isa_hdrs, _ISA_COPTS[isa])
        isa_targets.append(":" + name + "_" + isa)
    emulated = []
    if "amx" in isa_srcs:
        emulated = [":" + name + "_amx_emulated"]
        _isa_library(
            name + "_amx_emulated",
            isa_srcs["amx"] + hdrs + isa_hdrs,
            _EMULATED_AMX,
            testonly = True,
        )

    # A library in `data` brings only what runs need; its archive comes by way of a filegroup.
    native.filegroup(
        name = name + "_archives",
        testonly = True,
        srcs = isa_targets + emulated,
    )
    native.sh_test(
        name = name + "_symbols",
        size = "small",
        srcs = ["//tests/autograd/kernels:weak_symbols_test.sh"],
        args = ["$(locations :%s_archives)" % name],
        data = [":%s_archives" % name],
        target_compatible_with = ["@platforms//cpu:x86_64"],
    )
    cc_library(
        name = name,
        hdrs = hdrs,
        srcs = srcs,
        copts = ["-O3"],
        local_defines = X86_DEFINES,
        deps = deps + ["//autograd/kernels:isa"] + select({
            "@platforms//cpu:x86_64": isa_targets,
            "//conditions:default": [],
        }),
        **kwargs
    )
