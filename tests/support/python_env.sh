#!/bin/sh
# Creates (once) a Python environment with the real Celery and its optional serializers.
#
#     tests/support/python_env.sh build/dev/venv
#
# Ends with 77 ("skipped" for ctest) when there is no Python or the packages cannot be had.
set -eu
dir=$1
packages="celery==5.6.3 kombu==5.6.2 msgpack==1.0.8 pyyaml==6.0.2 brotli==1.1.0 zstandard==0.23.0 redis==5.2.1"
stamp="$dir/packages.txt"

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$packages" ]; then exit 0; fi
command -v python3 >/dev/null || { echo "no python3"; exit 77; }
rm -rf "$dir"
python3 -m venv "$dir" || { echo "python3 cannot make a virtual environment (package python3-venv)"; exit 77; }
# shellcheck disable=SC2086
"$dir/bin/pip" install --quiet --disable-pip-version-check $packages || { rm -rf "$dir"; echo "no packages"; exit 77; }
echo "$packages" > "$stamp"
