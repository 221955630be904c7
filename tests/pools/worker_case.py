"""A worker of the real program, and what tests ask of it. Needs LOVAGE_PROGRAM and LOVAGE_PLUGIN;
LOVAGE_TEST_BROKER says on which broker."""
import contextlib
import glob
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

import brokers

PROGRAM = os.environ["LOVAGE_PROGRAM"]
PLUGIN = os.environ["LOVAGE_PLUGIN"]


def read(path):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # of /proc: it ends while it is read
        with open(path) as f:
            return f.read()
    return ""


def children_of(pid):
    """Processes below this one: {pid: command line}."""
    out, todo = {}, [pid]
    while todo:
        for thread in glob.glob(f"/proc/{todo.pop()}/task/*/children"):
            for child in read(thread).split():
                out[int(child)] = read(f"/proc/{child}/cmdline").split("\0")[0]
                todo.append(int(child))
    return out


def seconds_of(line):
    """When a line of the log was written, in seconds of its day."""
    stamp = re.search(r"(\d\d):(\d\d):(\d\d[.,]\d+)", line).groups()
    return int(stamp[0]) * 3600 + int(stamp[1]) * 60 + float(stamp[2].replace(",", "."))


class WorkerCase(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lovage-pools-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.log = os.path.join(self.dir, "worker.log")
        self.errors = os.path.join(self.dir, "stderr")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("LOVAGE_", "CELERY_"))}
        broker, results = brokers.fresh(self.dir)
        self.env.update(HOME=self.dir, XDG_CONFIG_HOME=self.dir + "/config", LOVAGE_BROKER_URL=broker,
                        LOVAGE_RESULT_BACKEND=results)

    @contextlib.contextmanager
    def worker(self, *args, end_by=signal.SIGTERM, code=0):
        with open(self.errors, "w") as errors:
            worker = subprocess.Popen([PROGRAM, "worker", "-A", PLUGIN, "-l", "info", "-f", self.log, "-n", "w1@host",
                                       *args], cwd=self.dir, env=self.env, stderr=errors)
        try:
            self.wait_for(lambda: "ready." in read(self.log) or worker.poll() is not None)
            yield worker
            worker.send_signal(end_by)
            self.assertEqual(worker.wait(timeout=30), code, read(self.errors))
        finally:
            if worker.poll() is None:
                worker.kill()
                worker.wait()

    def wait_for(self, condition):
        end = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain\n" + read(self.log) + read(self.errors))
            time.sleep(0.02)

    def lovage(self, *args, **how):
        return subprocess.run([PROGRAM, *args], cwd=self.dir, env=self.env, text=True, capture_output=True, timeout=60,
                              **how)

    def send(self, task, *args, options=()):
        return self.lovage("call", task, "-a", json.dumps(args), *options, check=True).stdout.strip()

    def call(self, task, *args):
        """What came out: the value, or the text of the failure."""
        done = self.lovage("call", task, "-a", json.dumps(args), "--wait")
        return done.stdout.strip() if done.returncode == 0 else done.stderr

    def spans(self, first, last):
        """Seconds from each line of the log that matches `first` to the next one that matches `last`."""
        out, begun = [], None
        for line in read(self.log).splitlines():
            if re.search(first, line):
                begun = seconds_of(line)
            elif begun is not None and re.search(last, line):
                out.append((seconds_of(line) - begun) % 86_400)  # midnight may come between
                begun = None
        return out
