#!/usr/bin/env python3
"""The dashboard's pages in a browser before a made-up server (web/mock), on a free port.

usage: pages.py BUILD_DIR [SPEC...]

What a real server cannot easily be: empty, broken, cut off, of another role, with hostile text in every field. All other
specs run before real workers (run.py), and here when they are named.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import servers  # noqa: E402

web = HERE.parent.parent / "web"
build = Path(sys.argv[1]).resolve()
environment = {**os.environ, "MOCK_PORT": str(servers.free_port()), "LOVAGE_WEB_OUTPUT": str(build / "web-tests-made-up"),
               "LOVAGE_WEB_SHOTS": str(build / "screenshots-made-up")}  # fmt: skip
if not (web / "node_modules/.bin/playwright").exists():
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=web, check=True)
specs = sys.argv[2:] or ["mock.spec", "hostile.spec"]
sys.exit(subprocess.run(["node_modules/.bin/playwright", "test", *specs], cwd=web, env=environment).returncode)
