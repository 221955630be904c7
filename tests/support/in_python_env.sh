#!/bin/sh
# Runs a Python program in the environment made by python_env.sh; ends with 77 ("skipped") when there is none.
#
#     tests/support/in_python_env.sh build/dev/venv program.py arguments...
set -eu
python=$1/bin/python
shift
[ -x "$python" ] || exit 77
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$@"
