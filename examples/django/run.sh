#!/bin/bash
# usage: run.sh BUILD_DIR [PYTHON] - the whole example: a Redis, a lovage worker with the C++ tasks, the Django site, and a
# scheduler for the periodic tasks of its admin; then orders through the site, a charge through its command and an entry
# made in the admin. PYTHON has Django, celery[redis], django-celery-results and django-celery-beat; default: python3.
# With CELERY_BROKER_URL set, that is used and no Redis is started.
set -euo pipefail

build=$(cd "${1:?usage: run.sh BUILD_DIR [PYTHON]}" && pwd)
python=${2:-python3}
cd "$(dirname "$(readlink -f "$0")")"
work=$(mktemp -d "${TMPDIR:-/tmp}/lovage-django.XXXXXX")
started=()
stop_all() {
  local pid
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" || true; done
  rm -rf "$work"
}
trap stop_all EXIT
start() {  # start NAME command...
  local name=$1
  shift
  "$@" >"$work/$name.log" 2>&1 &
  started=("$!" "${started[@]}")
}
wait_for() {  # wait_for NAME command...: until it succeeds, at most a minute
  local name=$1 end=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { echo "error: no $name" >&2; cat "$work"/*.log >&2; exit 1; }
    sleep 0.1
  done
}
free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

export PYTHONDONTWRITEBYTECODE=1
if [ -z "${CELERY_BROKER_URL:-}" ]; then
  redis=$(free_port)
  start redis redis-server --port "$redis" --bind 127.0.0.1 --save "" --dir "$work"
  wait_for redis redis-cli -p "$redis" ping
  export CELERY_BROKER_URL=redis://127.0.0.1:$redis/0
fi
# Results are in the site's own database: by Django's tables for the site, by their address for the worker.
export SHOP_DATABASE=$work/shop.db CELERY_RESULT_BACKEND=django-db LOVAGE_RESULT_EXTENDED=true
export DATABASE_URL=sqlite:///$SHOP_DATABASE
"$python" manage.py migrate --verbosity 0
start worker "$build/bin/lovage" worker -A "$build/lib/libshop_tasks.so" -Q cpp -c 2 -l info
start beat "$build/bin/lovage" beat -S django -l info
wait_for worker grep -q "ready\." "$work/worker.log"
wait_for beat grep -q "leads" "$work/beat.log"
web=$(free_port)
start site "$python" manage.py runserver --noreload --skip-checks "127.0.0.1:$web"
wait_for site "$python" -c "import socket; socket.create_connection(('127.0.0.1', $web))"

"$python" try_it.py "http://127.0.0.1:$web" || { cat "$work"/*.log >&2; exit 1; }
charged=$("$python" manage.py charge 4111111111111111 1900)
[ "$charged" = "charged 1900 to ...1111" ] || { echo "error: it said: $charged" >&2; exit 1; }
echo "ok: $charged"
if "$python" manage.py charge 4111 1900 2>"$work/refused"; then echo "error: a bad card was charged" >&2; exit 1; fi
grep -q "a card number has 16 digits" "$work/refused" || { cat "$work/refused" >&2; exit 1; }
echo "ok: $(tail -1 "$work/refused")"

"$python" try_admin.py || { cat "$work"/*.log >&2; exit 1; }
