#!/usr/bin/env bash
# tools/setup.sh where everything is installed already, which it is for whoever runs this test.
set -euo pipefail
setup=tools/setup.sh

fail() {
  echo "FAILED: $*"
  exit 1
}

$setup </dev/null || fail "with nothing to install it ends well"
[[ $($setup) == "" ]] || fail "with nothing to install it says nothing"
$setup --help | grep -q -- "--benchmarks" || fail "--help lists the arguments"

if message=$($setup --benchmark 2>&1); then fail "an unknown argument is an error"; fi
[[ $message == *"'--benchmark'"*"--benchmarks, --fuzz, --help"* ]] || fail "the error names what is allowed: $message"
[[ $(wc -l <<<"$message") == 1 ]] || fail "the error is one line: $message"
