#!/usr/bin/env bash
# The archives named define symbols, none of them weak.
#
# The linker keeps one copy of a weak symbol (an inline function, a template) for the whole program. A copy that was
# compiled for AVX-512 would then run wherever the function is called, on processors without AVX-512 too.
set -euo pipefail

[ $# -gt 0 ] || { echo "no archives"; exit 1; }
symbols=0
weak=""
for archive in "$@"; do
  listing=$(nm --defined-only --demangle "$archive")
  symbols=$((symbols + $(grep -c ' [TDRB] ' <<<"$listing" || true)))
  # W, V: weak; u: unique; i: chosen when the program is loaded. AddressSanitizer adds cleanups, and they a pointer to
  # the personality routine: a word of data, the same whatever the processor.
  weak+=$(grep ' [WVui] ' <<<"$listing" | grep -v ' V DW\.ref\.__gxx_personality_v0$' | sed "s|^|$archive: |" || true)
done
[ "$symbols" -gt 0 ] || { echo "the archives define nothing: $*"; exit 1; }
[ -z "$weak" ] || { printf 'weak symbols:\n%s\n' "$weak"; exit 1; }
