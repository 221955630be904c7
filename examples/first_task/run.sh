#!/bin/bash
# usage: run.sh BUILD_DIR - the README's two programs, and the worker in one's own program, on a fresh store.
set -euo pipefail

build=$(cd "${1:?usage: run.sh BUILD_DIR}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/lovage-first-task.XXXXXX")
worker=
stop_worker() {
  [ -n "$worker" ] || return 0
  local pid=$worker
  worker=
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid"
}
trap 'stop_worker || true; rm -rf "$work"' EXIT

unset LOVAGE_CONFIG LOVAGE_BROKER_URL LOVAGE_RESULT_BACKEND CELERY_BROKER_URL CELERY_RESULT_BACKEND
export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config  # where the default store and the settings are
cd "$work"
expected=$'5\nbody of https://example.org'
run_with() {
  "$@" 2>"$work/log" &
  worker=$!
  local got
  got=$("$build/bin/first_task") || { cat "$work/log" >&2; return 1; }
  stop_worker || { echo "error: '$*' ended with $?" >&2; cat "$work/log" >&2; return 1; }
  [ "$got" = "$expected" ] || { echo "error: with '$*' it printed: $got" >&2; return 1; }
  echo "ok: ${1##*/}"
}
run_with "$build/bin/lovage" worker -A "$build/lib/libtasks.so" -c 2
run_with "$build/bin/own_worker"
