#!/bin/bash
# usage: prepare.sh DIR - makes the peers that bench/brokers.py measures beside lovage: Celery in DIR/venv, BullMQ in
# DIR/node_modules. Once; needs python3-venv, node and npm.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: prepare.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
"$here/../../tests/support/python_env.sh" "$dir/venv" newest
if [ ! -d "$dir/node_modules/bullmq" ] || [ ! -d "$dir/node_modules/ioredis" ]; then
  npm install --prefix "$dir" --no-audit --no-fund --loglevel=error bullmq ioredis
fi
"$dir/venv/bin/celery" --version
node -e 'const p = require(process.argv[1]); console.log("BullMQ", p.version)' "$dir/node_modules/bullmq/package.json"
