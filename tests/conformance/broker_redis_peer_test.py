"""Real kombu and lovage give back what the dead of the other side held, and leave alone what the living hold.

    broker_redis_peer_test.py path/to/store_peer
"""
import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

from kombu import Connection, Producer, Queue

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import servers  # noqa: E402

PEER = None
REDIS = None


class LovageWorker:
    """A process that took `count` messages of q; killed at the end of the block."""

    def __init__(self, count, **options):
        command = [PEER, "hold", REDIS.url(), "q", str(count), str(count)]
        self.process = subprocess.Popen(command + [f"{k}={v}" for k, v in options.items()], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=servers.die_with_parent)
        assert self.process.stdout.readline() == f"held {count}\n"

    def __enter__(self):
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        self.kill()
        self.process.stdin.close()
        self.process.stdout.close()


class PeerTest(unittest.TestCase):
    def setUp(self):
        self.open(3600)
        self.channel.client.flushdb()

    def open(self, visibility_timeout):
        """kombu's side, with this timeout."""
        self.connection = Connection(REDIS.url(), transport_options={"visibility_timeout": visibility_timeout})
        self.addCleanup(self.connection.release)
        self.channel = self.connection.channel()
        self.queue = Queue("q", channel=self.channel)
        self.queue.declare()

    def put(self, body):
        Producer(self.channel).publish(body, routing_key="q")

    def get(self):
        return self.queue.get() or self.fail("there is no message")

    def lists(self):
        return self.channel.client.llen("q")

    def unacked(self):
        return self.channel.client.hlen("unacked")

    def restore(self):
        """What a Python worker does every now and then."""
        self.channel.qos.restore_visible(interval=1)

    def drained_by_lovage(self, **options):
        command = [PEER, "drain", REDIS.url(), "q"] + [f"{k}={v}" for k, v in options.items()]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def test_kombu_never_restores_what_a_living_lovage_worker_holds(self):
        self.open(1)
        for n in range(3):
            self.put({"n": n})
        with LovageWorker(3, visibility_timeout=1):
            end = time.monotonic() + 3
            while time.monotonic() < end:
                self.restore()
                self.assertEqual((self.lists(), self.unacked()), (0, 3))

    def test_kombu_restores_what_a_killed_lovage_worker_held(self):
        self.open(1)
        self.put({"n": 1})
        with LovageWorker(1, visibility_timeout=1) as worker:
            worker.kill()
            servers.wait_until(lambda: self.restore() or self.lists() == 1, 10, "kombu restores")
        message = self.get()
        self.assertEqual(message.payload, {"n": 1})
        self.assertTrue(message.headers["redelivered"])
        message.ack()
        self.assertEqual((self.lists(), self.unacked()), (0, 0))

    def test_lovage_restores_what_a_killed_python_worker_held(self):
        self.put({"n": 1})
        child = os.fork()
        if child == 0:  # dies without a word
            try:
                self.open(3600)
                self.get()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        self.assertEqual((self.lists(), self.unacked()), (0, 1))
        self.assertEqual(self.drained_by_lovage(lovage_lease=0.3, visibility_timeout=0.5), 1)
        self.assertEqual((self.lists(), self.unacked()), (0, 0))

    def test_lovage_leaves_alone_what_a_living_python_worker_holds(self):
        self.put({"n": 1})
        message = self.get()
        self.assertEqual(self.drained_by_lovage(lovage_lease=0.3, visibility_timeout=3600), 0)
        self.assertEqual((self.lists(), self.unacked()), (0, 1))
        message.ack()
        self.assertEqual((self.lists(), self.unacked()), (0, 0))


if __name__ == "__main__":
    PEER = sys.argv.pop(1)
    with servers.redis() as REDIS:
        unittest.main(verbosity=1)
