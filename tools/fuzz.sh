#!/usr/bin/env bash
# Searches for inputs that break the readers of files: builds each fuzz target with clang, libFuzzer and
# AddressSanitizer, and runs it from its seed corpus for a bounded time. What tools/setup.sh --fuzz installs is needed.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'USAGE'
usage: tools/fuzz.sh [SECONDS]
Runs each fuzz target of //tests/fuzz for SECONDS (default 60). An input that breaks one is left in fuzz_out/, and the
exit status is 1; put it into tests/fuzz/corpus once the fault is mended.
USAGE
}

seconds=${1:-60}
case "$seconds" in
  -h | --help) usage; exit 0 ;;
  *[!0-9]* | "") usage >&2; exit 2 ;;
esac
command -v clang >/dev/null || { echo "tools/fuzz.sh: clang is missing; run tools/setup.sh --fuzz" >&2; exit 1; }

readonly TARGETS=(idx_fuzzer npy_fuzzer safetensors_fuzzer)
bazel build --config=fuzz "${TARGETS[@]/#///tests/fuzz:}"

status=0
for target in "${TARGETS[@]}"; do
  # What is found goes into the first folder, from which the next run goes on.
  found=fuzz_out/$target
  mkdir -p "$found"
  echo "== $target, $seconds seconds"
  # An allocation that cannot be made is an exception, as it is without AddressSanitizer.
  ASAN_OPTIONS=allocator_may_return_null=1 "bazel-bin/tests/fuzz/$target" -max_total_time="$seconds" -max_len=4096 \
    -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 -artifact_prefix="fuzz_out/$target-" "$found" \
    "tests/fuzz/corpus/${target%_fuzzer}" || status=1
done
exit $status
