#!/bin/sh
# Creates (once) a Python environment with real Celery packages.
#
#     tests/support/python_env.sh build/dev/venv [KIND]
#
#   pinned  the release that the golden messages were taken from, with its optional serializers
#   newest  what the package index has today, with redis, the optional serializers and the sun
#   oldest  Celery 5.2, the oldest supported, with what was current in its time
#   django  newest, and Django with its tables for results and periodic tasks
#   django-beat  newest, Django and django-celery-beat
#   django-beat-2.4  the same as in Debian 12
#   monitors  newest, and Flower
#   databases  newest, with what it needs for results in databases, and Django's tables for them
#
# Packages that cannot be had are a failure: a peer that was not asked has not agreed.
set -eu
dir=$1
kind=${2:-pinned}
stamp="$dir/packages.txt"
case $kind in
pinned) packages="celery==5.6.3 kombu==5.6.2 msgpack==1.0.8 pyyaml==6.0.2 brotli==1.1.0 zstandard==0.23.0
  redis==5.2.1" ;;
newest) packages="celery[redis,msgpack,yaml,solar]>=5.6 zstandard backports.zstd" ;;  # kombu took one, then the other
# vine 5.0, amqp 5.1 and billiard 3.6 are of 5.2's time; importlib-metadata and setuptools are the last that have
# what it calls.
oldest) packages="celery==5.2.7 kombu==5.2.4 amqp==5.1.1 vine==5.0.0 billiard==3.6.4.0 redis==4.1.4 click==8.0.4
  click-repl==0.2.0 importlib-metadata==4.13.0 setuptools==59.8.0 msgpack==1.0.8 pyyaml==6.0.2 zstandard==0.23.0" ;;
django) packages="celery[redis]>=5.6 django django-celery-results django-celery-beat" ;;
django-beat) packages="celery[redis]>=5.6 django django-celery-beat psycopg[binary] pymysql" ;;
django-beat-2.4) packages="celery[redis]==5.2.7 redis==4.1.4 kombu==5.2.4 vine==5.0.0 importlib-metadata==4.13.0
  setuptools==59.8.0 django==3.2.25 django-celery-beat==2.4.0 django-timezone-field==5.1 psycopg2-binary" ;;
monitors) packages="celery[redis]>=5.6 flower>=2" ;;
databases) packages="celery[redis]>=5.6 sqlalchemy psycopg2-binary pymysql django django-celery-results" ;;
*) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$packages" ]; then exit 0; fi
rm -rf "$dir"
python3 -m venv "$dir"
# shellcheck disable=SC2086
"$dir/bin/pip" install --quiet --disable-pip-version-check --retries 5 $packages || { rm -rf "$dir"; exit 1; }
# Compiled now, so that no test pays for it.
"$dir/bin/python" -m compileall -q "$dir/lib" >/dev/null 2>&1 || true
"$dir/bin/pip" freeze --disable-pip-version-check
echo "$packages" >"$stamp"
