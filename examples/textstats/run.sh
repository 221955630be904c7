#!/bin/bash
# usage: run.sh BUILD_DIR [DIR] - a worker on a fresh embedded store, textstats over DIR, the worker stopped again.
set -euo pipefail

build=$(cd "${1:?usage: run.sh BUILD_DIR [DIR]}" && pwd)
dir=${2:-/usr/share/doc}
lovage=$build/bin/lovage
job=$build/bin/textstats
plugin=$build/lib/libtextstats.so
for file in "$lovage" "$job" "$plugin"; do
  [ -e "$file" ] || { echo "error: $file is not built" >&2; exit 1; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/lovage-textstats.XXXXXX")
store=sqlite:///$work/store.db
log=$work/worker.log
worker=
echo "$store" >"$work/name"  # every process of the worker has it in its command line

stop_worker() {
  [ -n "$worker" ] || return 0
  local pid=$worker code=0 left
  worker=
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" || code=$?
  for _ in $(seq 100); do  # children are gone when their worker is; give the kernel a moment
    left=$(grep -lsF -f "$work/name" /proc/[0-9]*/cmdline || true)
    [ -n "$left" ] || break
    sleep 0.1
  done
  if [ "$code" -ne 0 ] || [ -n "$left" ]; then
    echo "error: the worker ended with $code; left: ${left:-nothing}; its log: $log" >&2
    tail -5 "$log" >&2
    return 1
  fi
}
trap 'stop_worker; rm -rf "$work"' EXIT

unset LOVAGE_CONFIG
export LOVAGE_BROKER_URL=$store LOVAGE_RESULT_BACKEND=$store
echo "  worker: lovage worker -A ${plugin##*/} -c $(nproc), store: $work/store.db"
(cd "$work" && exec "$lovage" worker -A "$plugin" -c "$(nproc)" -l info -f "$log" -- broker_url="$store") \
  >"$work/banner" 2>&1 &
worker=$!
for _ in $(seq 300); do
  grep -q ' ready\.' "$log" 2>/dev/null && break
  kill -0 "$worker" 2>/dev/null || { worker=; cat "$work/banner" "$log" >&2 2>/dev/null; exit 1; }
  sleep 0.1
done
grep -q ' ready\.' "$log" || { echo "error: the worker is not ready after 30 s; see below" >&2; cat "$log" >&2; exit 1; }

"$job" "$dir" --broker "$store"
stop_worker
echo "  the worker is stopped, nothing is left running"
