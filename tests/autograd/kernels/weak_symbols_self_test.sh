#!/usr/bin/env bash
# weak_symbols_test.sh rejects an archive with an inline function in it, and no archives at all.
set -euo pipefail

test=$1
shift
if output=$("$test" "$@"); then
  echo "not rejected: $*"
  exit 1
fi
grep -q 'Weak()' <<<"$output" || { echo "another complaint: $output"; exit 1; }
if "$test" >/dev/null; then
  echo "nothing was accepted"
  exit 1
fi
