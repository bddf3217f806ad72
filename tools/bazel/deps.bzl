"""flow_autograd_deps: every external repository the build asks for, taken from Debian's packages.

A project that uses this one as an external repository calls it in its own WORKSPACE:

    load("@flow_autograd//tools/bazel:deps.bzl", "flow_autograd_deps")
    flow_autograd_deps()

A repository declared before the call is left as it is, so a library can come from somewhere else.
"""

# Folders under third_party/, which stand in for a library by the name it is known by. The first two stand in for what
# Bazel itself would download.
_STAND_INS = [
    "remote_coverage_tools",
    "rules_cc",
    "com_github_google_benchmark",
    "com_google_absl",
    "com_google_googletest",
    "nlohmann_json",
    "stb",
    "zlib",
]

def _stand_in(ctx):
    # Found from this file's own repository: local_repository would look below the folder of the main one.
    folder = ctx.path(Label("//third_party:BUILD")).dirname.get_child(ctx.name)
    for entry in folder.readdir():
        ctx.symlink(entry, entry.basename)

_stand_in_repository = repository_rule(
    implementation = _stand_in,
    local = True,
)

def flow_autograd_deps():
    """Declares the repositories that are not declared yet."""
    for name in _STAND_INS:
        if name not in native.existing_rules():
            _stand_in_repository(name = name)

    # Bazel asks for it even where nothing is Java.
    if "rules_java" not in native.existing_rules():
        native.local_repository(
            name = "rules_java",
            path = "/usr/share/bazel/rules/java",
        )
