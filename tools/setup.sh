#!/usr/bin/env bash
# Installs the Debian packages the build needs. Safe to run again: with nothing to install it needs no root, touches
# nothing and is done at once.
set -euo pipefail

readonly BUILD_PACKAGES=(
  bazel-bootstrap      # Bazel 4.2
  bazel-rules-java     # Bazel asks for rules_java even when nothing is Java
  g++                  # the compiler; brings OpenMP's libgomp
  libabsl-dev          # Abseil
  nlohmann-json3-dev   # JSON
  zlib1g-dev           # gzip, PNG's compression
  libstb-dev           # writing images, rasterising glyphs
  fonts-dejavu-core    # the font of the plots
  libgtest-dev         # tests
  libgmock-dev         # tests
  libbenchmark-dev     # benchmarks
  clang-format         # a test checks the formatting
  python3              # tests of the sources, .ci/run
  binutils             # a test inspects the symbols of kernel objects
)
readonly BENCHMARK_PACKAGES=(
  libopenblas-dev      # the yardstick for matrix products
  python3-torch        # the yardstick for training
  python3-sklearn      # two moons, as PyTorch's script draws them
  python3-scipy        # the assignment problem
)
readonly FUZZ_PACKAGES=(
  clang                # libFuzzer is a part of clang
  libclang-rt-14-dev   # its run-time library
)

usage() {
  cat <<'USAGE'
usage: tools/setup.sh [--benchmarks] [--fuzz] [--help]
Installs the Debian 12 packages that `bazel build //...` and `bazel test //...` need.
  --benchmarks  also what the comparisons need: OpenBLAS, PyTorch, scikit-learn, SciPy (1 GB)
  --fuzz        also what the fuzz targets need: clang and its run-time library
USAGE
}

fail() {
  echo "tools/setup.sh: $*" >&2
  exit 1
}

packages=("${BUILD_PACKAGES[@]}")
for argument in "$@"; do
  case "$argument" in
    --benchmarks) packages+=("${BENCHMARK_PACKAGES[@]}") ;;
    --fuzz) packages+=("${FUZZ_PACKAGES[@]}") ;;
    -h | --help) usage; exit 0 ;;
    *) fail "unknown argument '$argument' (allowed: --benchmarks, --fuzz, --help)" ;;
  esac
done

# Read in a subshell: os-release sets many names.
system=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}" || echo unknown)
[[ $system == "debian 12" ]] || fail "needs Debian 12, this is '$system'"

# dpkg-query lists what it knows and fails for the rest; only "installed" counts.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep -qxF "$package installed" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

((EUID == 0)) || fail "installing ${missing[*]} needs root: run it with sudo"

echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# One line says what went wrong; apt's own words stand above it.
run_apt() {
  apt-get "$@" </dev/null >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    fail "apt-get $1 failed (see above)"
  }
}
run_apt update
run_apt install --yes --no-install-recommends "${missing[@]}"
