"""Stands in for rules_cc: Debian's copy is too new for Bazel 4.2, whose native rules do the same."""

def cc_library(**kwargs):
    native.cc_library(**kwargs)

def cc_binary(**kwargs):
    native.cc_binary(**kwargs)

def cc_test(**kwargs):
    native.cc_test(**kwargs)

def cc_import(**kwargs):
    native.cc_import(**kwargs)

def cc_toolchain(**kwargs):
    native.cc_toolchain(**kwargs)

def cc_toolchain_suite(**kwargs):
    native.cc_toolchain_suite(**kwargs)

def _no_op(ctx):
    return []

cc_flags_supplier = rule(implementation = _no_op)
compiler_flag = rule(implementation = _no_op)

def cc_proto_library(**kwargs):
    pass
