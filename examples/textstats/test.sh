#!/bin/bash
# usage: test.sh BUILD_DIR - run.sh over a directory that has one of everything, and a look at what it prints.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
dir=$(mktemp -d "${TMPDIR:-/tmp}/lovage-textstats-test.XXXXXX")
trap 'rm -rf "$dir"' EXIT

mkdir "$dir/sub"
printf 'green lovage, green lovage\nand a green leek\n' >"$dir/plain.txt"
printf 'lovage without an end' | gzip >"$dir/sub/packed.gz"
head -c 20000 /dev/urandom | gzip | head -c 9000 >"$dir/sub/cut-short.gz"
printf 'ELF\0\1\2' >"$dir/program"
: >"$dir/empty"
ln -s "$dir/plain.txt" "$dir/link"
mkfifo "$dir/pipe"
printf 'x' >"$dir/"$'not-utf8-\xff'

out=$("$here/run.sh" "$1" "$dir") || { echo "$out"; exit 1; }
echo "$out"
expect() { grep -qE "$1" <<<"$out" || { echo "error: the output lacks: $1"; exit 1; }; }
expect '^  5 files below'
expect '^  binary +1 '
expect '^  gzip +1 +[0-9]+ +1 +4$'
expect '^  text +2 +[0-9]+ +2 +8$'
expect '^  lovage +3 '
expect '^  2 failed$'
expect 'bad_gzip: FILE: damaged gzip'
expect 'the name is no UTF-8'
expect 'retried +RETRY +briefly_away'
expect 'retried +SUCCESS +2'
expect 'failing +FAILURE +IndexError'
expect 'progress +SUCCESS'
expect 'nothing is left running'
