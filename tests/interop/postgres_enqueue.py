#!/usr/bin/env python3
"""A Django program sends tasks inside its own transactions, and a lovage worker on the same PostgreSQL runs them.

usage: postgres_enqueue.py BUILD_DIR
"""

import sys
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "packaging/python")]

import django  # noqa: E402
import psycopg2  # noqa: E402
import servers  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from lovage_postgres import enqueue  # noqa: E402
from peers import LovageWorker  # noqa: E402

BUILD = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else ROOT / "build/dev"
QUEUE = "shop"


def ask(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


class Enqueue(unittest.TestCase):
    def setUp(self):
        ask("TRUNCATE lovage.message, lovage.delayed")

    def waiting(self):
        return ask("SELECT count(*) FROM lovage.message")[0][0]

    def answered(self, task_id):
        """What the worker stored for this task, once it is done."""
        log = WORKER.log
        servers.wait_until(lambda: f"[{task_id}] succeeded" in log.read_text(errors="replace"), 20, f"{task_id} to be run")

    def test_a_task_exists_if_its_transaction_commits(self):
        with transaction.atomic():
            ask("INSERT INTO orders VALUES (1)")
            task_id = enqueue("interop.add", [1, 2], queue=QUEUE)
        self.answered(task_id)

    def test_a_task_does_not_exist_if_its_transaction_is_rolled_back(self):
        with self.assertRaises(RuntimeError), transaction.atomic():
            ask("INSERT INTO orders VALUES (2)")
            task_id = enqueue("interop.add", [1, 2], queue=QUEUE)
            raise RuntimeError("no stock")
        self.assertEqual(ask("SELECT count(*) FROM orders WHERE id = 2")[0][0], 0)
        self.assertEqual(self.waiting(), 0)
        marker = enqueue("interop.add", [3, 4], queue=QUEUE)  # what comes after it is run, so it would have been
        self.answered(marker)
        self.assertNotIn(task_id, WORKER.log.read_text(errors="replace"))

    def test_a_savepoint_takes_its_task_along(self):
        with transaction.atomic():
            kept = enqueue("interop.add", [1, 1], queue=QUEUE)
            with self.assertRaises(RuntimeError), transaction.atomic():
                lost = enqueue("interop.add", [2, 2], queue=QUEUE)
                raise RuntimeError("only this")
        self.answered(kept)
        self.assertNotIn(lost, WORKER.log.read_text(errors="replace"))

    def test_what_a_call_may_say_arrives(self):
        eta = datetime.now(timezone.utc) + timedelta(hours=1)
        given = enqueue("interop.add", [1], {"y": 2}, queue="elsewhere", eta=eta, expires=7200, priority=7,
                        task_id="my-own-id", headers={"tenant": "a"}, ignore_result=True)  # fmt: skip
        self.assertEqual(given, "my-own-id")
        head, rank, due = ask("SELECT convert_from(head, 'UTF8')::jsonb, rank, due FROM lovage.delayed")[0]
        head = __import__("json").loads(head) if isinstance(head, str) else head
        self.assertEqual(head["headers"]["tenant"], "a")
        self.assertTrue(head["headers"]["ignore_result"])
        self.assertEqual(datetime.fromisoformat(head["headers"]["eta"]), eta)
        self.assertEqual(rank, 2)
        self.assertEqual(due, eta)

    def test_a_connection_of_ones_own_will_do(self):
        own = psycopg2.connect(SERVER.url())
        with own:
            task_id = enqueue("interop.add", (5, 6), queue=QUEUE, connection=own)
        own.close()
        self.answered(task_id)

    def test_mistakes_are_named(self):
        with self.assertRaisesRegex(TypeError, "list or a tuple"):
            enqueue("interop.add", "12", queue=QUEUE)
        with self.assertRaisesRegex(TypeError, "args of a task are JSON"):
            enqueue("interop.add", [object()], queue=QUEUE)
        with self.assertRaisesRegex(Exception, "name the task"), transaction.atomic():
            enqueue("", queue=QUEUE)


if __name__ == "__main__":
    with servers.postgres() as SERVER, tempfile.TemporaryDirectory() as place:
        settings.configure(USE_TZ=True, DATABASES={"default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": "127.0.0.1",
            "PORT": str(SERVER.port)}})  # fmt: skip
        django.setup()
        ask("CREATE TABLE orders (id int)")
        at = {"broker_url": SERVER.url(), "result_backend": f"sqlite:///{place}/results.db"}
        WORKER = LovageWorker(Path(place) / "worker.log", BUILD, at, [QUEUE], 2, "threads")
        try:
            WORKER.wait_ready()
            done = unittest.main(exit=False, verbosity=2)
        finally:
            WORKER.stop()
            connection.close()
    sys.exit(not done.result.wasSuccessful())
