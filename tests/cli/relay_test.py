"""lovage relay: from a file to the broker of the test."""
import contextlib
import os
import re
import signal
import subprocess
import unittest
import urllib.request

from cli_case import PROGRAM, Case, once, read


class RelayTest(Case):
    def setUp(self):
        super().setUp()
        self.outbox = f"sqlite:///{self.dir}/outbox.db"

    def log(self):
        return read(os.path.join(self.dir, "relay.log"))

    @contextlib.contextmanager
    def relay(self, *args):
        """A relay that runs while the block does, and ends by TERM with code 0."""
        relay = subprocess.Popen([PROGRAM, "relay", self.outbox, "-l", "info", "-f", "relay.log", *args], cwd=self.dir,
                                 env=self.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            self.wait_for(lambda: "relay: from sqlite://" in self.log(), relay)
            yield relay
            relay.send_signal(signal.SIGTERM)
            self.assertEqual(relay.wait(20), 0, relay.stderr.read())
        finally:
            if relay.poll() is None:
                relay.kill()
            relay.communicate()

    def send(self, *args):
        return self.lovage("call", *args, "-b", self.outbox)

    def test_what_is_written_into_an_outbox_runs(self):
        self.send("cli.add", "2", "3", "--id", "before", "--priority", "7")
        with self.worker("-Q", "celery,later"), self.relay("--health-port", "0", "--pidfile", "relay.pid") as relay:
            self.assertIn("5", self.lovage("result", "before", "--wait", "20").stdout)
            self.send("cli.add", "3", "4", "--id", "after", "--queue", "later")
            self.assertIn("7", self.lovage("result", "after", "--wait", "20").stdout)
            self.assertEqual(read(os.path.join(self.dir, "relay.pid")).strip(), str(relay.pid))
            url = re.search(r"health checks at (\S+)", self.log())[1]
            metrics = lambda: urllib.request.urlopen(url + "/metrics", timeout=10).read().decode()
            self.wait_for(lambda: "lovage_relay_forwarded_total 2\n" in metrics(), relay)
            for page in "/healthz", "/readyz":
                self.assertIn('"ok"', urllib.request.urlopen(url + page, timeout=10).read().decode())
        self.assertIn("2 messages were forwarded", self.log())
        self.assertFalse(os.path.exists(os.path.join(self.dir, "relay.pid")))

    @once
    def test_mistakes_are_told(self):
        self.assertIn("FROM", self.lovage("relay", code=2).stderr)
        self.assertIn("to the broker it takes from", self.lovage("relay", self.env["LOVAGE_BROKER_URL"], code=1).stderr)
        self.assertIn("no driver for 'nosuch://'", self.lovage("relay", "nosuch://here", code=1).stderr)
        self.assertIn("--batch", self.lovage("relay", self.outbox, "--batch", "0", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
