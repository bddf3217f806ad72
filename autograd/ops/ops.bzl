"""op_library: one family of operations."""

load("//tools/bazel:cc.bzl", "cc_library")

def op_library(name, deps = [], **kwargs):
    """A cc_library of <name>.h and <name>.cc, and part of //autograd/ops:all_ops.

    all_ops is what the table of operation cases links against, so a node type declared in any op_library must have a
    case there.
    """
    cc_library(
        name = name,
        srcs = [name + ".cc"],
        hdrs = [name + ".h"],
        # Node types register themselves when the program starts, whether or not it calls the operation.
        alwayslink = True,
        tags = ["op_library"],
        deps = deps + [
            "//autograd:tensor",
            "//autograd/trace:op_scope",
        ],
        **kwargs
    )

def all_op_libraries():
    """Labels of the op_library targets declared so far in this BUILD file."""
    return [":" + name for name, rule in native.existing_rules().items() if "op_library" in rule["tags"]]
