"""The program and a worker of it, as tests use them. Needs LOVAGE_PROGRAM and LOVAGE_PLUGIN in the environment;
LOVAGE_TEST_BROKER says on which broker."""
import contextlib
import os
import pathlib
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
# For tests that ask no broker anything.
once = unittest.skipUnless(brokers.KIND == "sqlite", "the same on every broker")


def read(path):
    """The text of a file; nothing while it is not there."""
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError:
        return ""


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lovage-cli-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("LOVAGE_", "CELERY_"))}
        self.env.update(HOME=self.dir, XDG_CONFIG_HOME=self.dir + "/config", XDG_STATE_HOME=self.dir + "/state")
        self.env["LOVAGE_BROKER_URL"], results = brokers.fresh(self.dir)
        if brokers.KIND != "sqlite":  # of its own accord a store keeps the results as well
            self.env["LOVAGE_RESULT_BACKEND"] = results

    def lovage(self, *args, code=0, stdin=subprocess.DEVNULL, **env):
        done = subprocess.run([PROGRAM, *args], cwd=self.dir, env={**self.env, **env}, stdin=stdin, text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}\n{done.stderr}")
        return done

    @contextlib.contextmanager
    def worker(self, *args, log="worker.log", code=0, plugin=PLUGIN, **env):
        """A worker that runs while the block does; it ends with this code, by TERM unless the block ended it."""
        path = os.path.join(self.dir, log)
        worker = subprocess.Popen([PROGRAM, "worker", *(("-A", plugin) if plugin else ()), "-l", "info", "-f", path, *args], cwd=self.dir,
                                  env={**self.env, **env}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            self.wait_for(lambda: "ready." in read(path), worker)
            yield worker
            worker.send_signal(signal.SIGTERM)
            self.banner = worker.communicate(timeout=30)[1]
            self.assertEqual(worker.returncode, code, self.banner)
        finally:
            if worker.poll() is None:
                worker.kill()
                worker.communicate()

    def wait_for(self, condition, worker=None):
        end = time.monotonic() + 20
        while not condition():
            if worker is not None and worker.poll() is not None:
                self.fail("the worker ended: " + worker.stderr.read())
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.02)
