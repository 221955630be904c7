#!/bin/sh
# Runs a Python program in the environment made by python_env.sh.
#
#     tests/support/in_python_env.sh build/dev/venv program.py arguments...
set -eu
python=$1/bin/python
shift
[ -x "$python" ] || { echo "there is no $python: python_env.sh makes it" >&2; exit 1; }
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$@"
