#!/usr/bin/env bash
# Builds and runs tests/foreign/workspace as somebody else's project would be: in a Bazel of its own, with none of this
# project's .bazelrc.
set -euo pipefail

# The sources themselves, not this test's links to them.
library=$(dirname "$(readlink -f WORKSPACE)")
project=$TEST_TMPDIR/project
cp -r "$library/tests/foreign/workspace" "$project"
ln -s "$library" "$project/flow_autograd"
cd "$project"

# The library is compiled from scratch, so without optimisation, where GCC warns of loops it will not unroll.
# per_file_copt comes after a target's own flags.
bazel --batch --host_jvm_args=-XX:TieredStopAtLevel=1 --nohome_rc --output_user_root="$TEST_TMPDIR/bazel" \
  run //:main --per_file_copt='.*@-O0,-w' --color=no --curses=no --noshow_progress
