#!/bin/bash
# check_cuda_header.sh [FOLDER]: compares include/cuda.h with the real cuda.h in FOLDER (default /usr/include).
# From our header it writes check.c, which names every constant, type, member and function that we declare,
# compiles it once with each header, and compares what the two programs print and which symbols they ask for.
set -euo pipefail
cd "$(dirname "$0")/../cuda"
real=${1:-/usr/include}
cc=${CC:-gcc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One declaration a line, comments and directives gone.
$cc -fpreprocessed -E -P include/cuda.h | sed '/^#/d' | tr '\n\t' '  ' | sed 's/  */ /g' |
  awk '{ depth = 0; out = ""
    for (i = 1; i <= length($0); i++) { c = substr($0, i, 1)
      if (c == "{") depth++; if (c == "}") depth--
      out = out c
      if (c == ";" && depth == 0) { print out; out = "" } } }' | sed 's/^ *//' >"$work/decls"

{
  echo '/* Written by check_cuda_header.sh from include/cuda.h. */'
  echo '#include <cuda.h>'
  echo '#include <stdint.h>'
  echo '#include <stdio.h>'
  echo '#define CONSTANT(n) printf("constant %s = %lld\n", #n, (long long)(intptr_t)(n));'
  echo '#define TYPE(t) printf("type %s: %zu bytes, aligned to %zu\n", #t, sizeof(t), _Alignof(t));'
  echo '#define SIGNED(t) printf("type %s: signed %d\n", #t, (t)-1 < (t)1);'
  echo '#define SAME(t, u) printf("type %s is %s: %d\n", #t, #u, __builtin_types_compatible_p(t, u));'
  echo '#define MEMBER(t, m) printf("member %s.%s at %zu, %zu bytes\n", #t, #m, offsetof(t, m), sizeof(((t *)0)->m));'
  echo '#define MEMBER_TYPE(t, m, u) printf("member %s.%s is %s: %d\n", #t, #m, #u, __builtin_types_compatible_p(__typeof__(((t *)0)->m), u));'
  echo '#define FUNCTION(f, t) printf("function %s is %s: %d\n", #f, #t, __builtin_types_compatible_p(__typeof__(f), t));'
  echo '#include <stddef.h>'
  sed -n 's/^CUresult \(cu[A-Za-z0-9]*\) *(.*/\1/p' "$work/decls" | awk 'BEGIN { print "void *const entries[] = {" } { print "\t(void *)" $1 "," } END { print "};" }'
  echo 'int main(void) {'
  # Constants: every NAME = NUMBER of an enum, and the macros that are no function.
  grep -oE '\bCU(DA)?_[A-Z0-9_a-z]+ = [0-9]+' "$work/decls" | awk '{ print "\tCONSTANT(" $1 ")" }'
  sed -n 's/^#define \(CU_[A-Z_]*\) (.*/\tCONSTANT(\1)/p' include/cuda.h
  # Types: size and alignment of all, signedness of the enums, the very type of scalars and function pointers.
  sed -nE 's/^typedef .*[ *]([A-Za-z0-9_]+);$/\1/p' "$work/decls" | awk '{ print "\tTYPE(" $1 ")" }'
  sed -nE 's/^typedef .*\(\*([A-Za-z0-9_]+)\)\(.*/\tTYPE(\1)/p' "$work/decls"
  sed -nE 's/^typedef enum .*\} ([A-Za-z0-9_]+);$/\tSIGNED(\1)/p' "$work/decls"
  sed -nE -e 's/^typedef ([a-z0-9_ ]+) ([A-Za-z0-9_]+);$/\tSAME(\2, \1)/p' -e 's/^typedef (.*\(\*)([A-Za-z0-9_]+)(\)\(.*\));$/\tSAME(\2, \1\3)/p' "$work/decls"
  # Members: offset and size of all, and the type where it is written plainly.
  grep -E '^typedef (struct|union) \{' "$work/decls" | awk '{
    name = $0; sub(/.*\} /, "", name); sub(/;.*/, "", name)
    body = $0; sub(/^[^{]*\{/, "", body); sub(/\}[^}]*$/, "", body)
    gsub(/struct \{[^}]*\}/, "NESTED", body); gsub(/_Alignas\(8\) /, "", body)
    n = split(body, lines, ";")
    for (i = 1; i <= n; i++) {
      line = lines[i]; gsub(/^ +| +$/, "", line); if (line == "") continue
      m = split(line, parts, ","); first = parts[1]; gsub(/ +$/, "", first)
      match(first, /[A-Za-z0-9_]+(\[[0-9]+\])?$/); base = substr(first, 1, RSTART - 1); stars = base
      sub(/\*+ *$/, "", base)
      for (j = 1; j <= m; j++) {
        member = j == 1 ? substr(first, RSTART) : parts[j]; gsub(/ /, "", member)
        pointer = j == 1 ? stars : base member
        array = ""; if (match(member, /\[.*/)) { array = substr(member, RSTART); member = substr(member, 1, RSTART - 1) }
        type = j == 1 ? stars : base; if (j > 1) { p = member; gsub(/[^*]/, "", p); type = base p; gsub(/\*/, "", member) }
        gsub(/ +$/, "", type)
        print "\tMEMBER(" name ", " member ")"
        if (type != "NESTED") print "\tMEMBER_TYPE(" name ", " member ", " type array ")"
      }
    } }'
  printf '\tMEMBER(CUlaunchAttributeValue, clusterDim.%s)\n' x y z
  # Functions: the whole type.
  sed -nE 's/^CUresult (cu[A-Za-z0-9]+) *(\(.*\)) ENTRY_V[0-9]\(.*/\tFUNCTION(\1, CUresult \2)/p; t; s/^CUresult (cu[A-Za-z0-9]+) *(\(.*\));$/\tFUNCTION(\1, CUresult \2)/p' "$work/decls"
  echo '	return 0;'
  echo '}'
} >"$work/check.c"

for side in ours real; do
  folder=$([ $side = ours ] && echo include || echo "$real")
  $cc -std=gnu11 -w -I"$folder" -c "$work/check.c" -o "$work/$side.o"
  $cc -I"$folder" -M "$work/check.c" | tr ' ' '\n' | grep '/cuda\.h$' >"$work/$side.path" || true
  nm -u "$work/$side.o" | awk '/ cu/ { print "entry " $2 }' >"$work/$side.txt"
  # The program is never linked with a driver: the functions become zeros here.
  nm -u "$work/$side.o" | awk '/ cu/ { print "-Wl,--defsym=" $2 "=0" }' >"$work/$side.syms"
  $cc -no-pie "$work/$side.o" "@$work/$side.syms" -o "$work/$side"
  "$work/$side" >>"$work/$side.txt"
done
echo "ours: $(cat "$work/ours.path")   real: $(cat "$work/real.path")"
for kind in constant type member function entry; do printf '%s %s\n' "$(grep -c "^$kind " "$work/ours.txt")" "$kind lines"; done
if grep -n ': 0$' "$work/ours.txt" "$work/real.txt" | grep -v 'signed 0'; then wrong=1; else wrong=0; fi
if diff "$work/ours.txt" "$work/real.txt"; then echo "both headers agree"; else wrong=1; fi
exit $wrong
