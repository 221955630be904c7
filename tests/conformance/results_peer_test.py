"""Real Celery reads the results that lovage keeps in Redis, waits for them, and the other way round.

    results_peer_test.py path/to/result_tool

A redis-server of the test's own is started on a free port.
"""
import os
import pathlib
import sys
import threading
import unittest
import uuid

import celery
from celery import Celery, states
from celery.exceptions import TaskRevokedError, TimeoutError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

import servers
from result_peer import Lovage, failure

TOOL = None


class ResultsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(servers.redis())

    def peers(self, serializer="json", options=None):
        app = Celery("peer", backend=self.server.url(), set_as_current=False)
        app.conf.update(result_serializer=serializer, accept_content=["json", "msgpack", "yaml"],
                        result_backend_transport_options=options or {})
        lovage = Lovage(TOOL, self.server.url(), serializer=serializer, options=options or {})
        self.addCleanup(lovage.close)
        return app, lovage

    def test_celery_reads_every_state_that_lovage_stored(self):
        for serializer in ["json", "msgpack", "yaml"]:
            app, lovage = self.peers(serializer)
            with self.subTest(serializer=serializer):
                ok = app.AsyncResult(lovage.store(
                    task_id=str(uuid.uuid4()), status="SUCCESS", result={"a": [1, None, "\u00fc"]}, traceback=None,
                    children=[[["child", None], None]],
                    date_done="2026-11-23T12:00:00.250000+00:00", name="shop.add", args=[2, 3], kwargs={}, worker="w@h",
                    retries=1, queue="celery", parent_id="p", group_id="g"))
                self.assertEqual(ok.state, states.SUCCESS)
                self.assertEqual(ok.get(timeout=5), {"a": [1, None, "\u00fc"]})
                self.assertEqual(ok.date_done.isoformat(), "2026-11-23T12:00:00.250000+00:00")
                self.assertEqual((ok.name, ok.args, ok.kwargs, ok.worker, ok.retries, ok.queue),
                                 ("shop.add", [2, 3], {}, "w@h", 1, "celery"))
                self.assertEqual([child.id for child in ok.children], ["child"])

                bad = app.AsyncResult(lovage.store(
                    task_id=str(uuid.uuid4()), status="FAILURE", result=failure("KeyError", ["missing"]),
                    traceback="Traceback (most recent call last):\n  in C++\n", children=[],
                    date_done="2026-11-23T12:00:00+00:00"))
                with self.assertRaises(KeyError) as raised:
                    bad.get(timeout=5)
                self.assertEqual(raised.exception.args, ("missing",))
                self.assertIn("in C++", bad.traceback)

                own = app.AsyncResult(lovage.store(
                    task_id=str(uuid.uuid4()), status="FAILURE", result=failure("declined", ["no money"], "lovage.shop"),
                    traceback=None, children=[], date_done="2026-11-23T12:00:00+00:00"))
                self.assertEqual(type(own.result).__name__, "declined")
                self.assertEqual(str(own.result), "no money")

                revoked = app.AsyncResult(lovage.store(
                    task_id=str(uuid.uuid4()), status="REVOKED", children=[], traceback=None,
                    result=failure("TaskRevokedError", ["expired"], "celery.exceptions"), date_done="2026-11-23T12:00:00+00:00"))
                with self.assertRaises(TaskRevokedError):
                    revoked.get(timeout=5)

                going = lovage.store(task_id=str(uuid.uuid4()), status="STARTED", result={"pid": 5, "hostname": "w@h"},
                                     traceback=None, children=[], date_done=None)
                self.assertEqual(app.AsyncResult(going).info, {"pid": 5, "hostname": "w@h"})
                lovage.store(task_id=going, status="RETRY", result=failure("OSError", ["busy"]), traceback=None,
                             children=[[[going, None], None]], date_done=None)
                again = app.AsyncResult(going)
                self.assertEqual(again.state, states.RETRY)
                self.assertIsInstance(again.result, OSError)
                self.assertEqual(again.children, [[[going, None], None]])  # Celery opens those of ready tasks only
                lovage.store(task_id=going, status="PROGRESS", result={"done": 1, "of": 2}, traceback=None, children=[],
                             date_done=None)
                self.assertEqual(app.AsyncResult(going).info, {"done": 1, "of": 2})
                with self.assertRaises(TimeoutError):
                    app.AsyncResult(going).get(timeout=0.05)

    def test_celery_waits_for_what_lovage_stores(self):
        app, lovage = self.peers()
        results = [app.AsyncResult(str(uuid.uuid4())) for _ in range(20)]
        for r in results:
            app.backend.add_pending_result(r)

        def work():
            for n, r in enumerate(results):
                for state in ["STARTED", "SUCCESS"]:
                    lovage.store(task_id=r.id, status=state, result=n, traceback=None, children=[], date_done=None)

        worker = threading.Thread(target=work)
        worker.start()
        self.assertEqual([r.get(timeout=10) for r in results], list(range(20)))
        worker.join()

    def test_lovage_reads_every_state_that_celery_stored(self):
        for serializer in ["json", "msgpack", "yaml"]:
            app, lovage = self.peers(serializer)
            store = app.backend.store_result
            with self.subTest(serializer=serializer):
                task = str(uuid.uuid4())
                self.assertEqual(lovage.fetch(task)["status"], "PENDING")
                store(task, {"pid": 1}, states.STARTED)
                self.assertEqual(lovage.fetch(task)["result"], {"pid": 1})
                store(task, ValueError("no"), states.RETRY, traceback="Traceback")
                record = lovage.fetch(task)
                self.assertEqual((record["status"], record["result"], record["traceback"]),
                                 ("RETRY", failure("ValueError", ["no"]), "Traceback"))
                store(task, {"done": 3}, "PROGRESS")
                self.assertEqual(lovage.fetch(task)["status"], "PROGRESS")
                store(task, [1, "zwei", None, 2.5], states.SUCCESS)
                record = lovage.fetch(task)
                self.assertEqual((record["status"], record["result"]), ("SUCCESS", [1, "zwei", None, 2.5]))
                self.assertTrue(record["date_done"])
                self.assertEqual(record["task_id"], task)
                task = str(uuid.uuid4())
                store(task, TaskRevokedError("terminated"), states.REVOKED)
                self.assertEqual(lovage.fetch(task)["result"], failure("TaskRevokedError", ["terminated"], "celery.exceptions"))

    def test_lovage_waits_for_what_celery_stores(self):
        app, lovage = self.peers()
        for _ in range(10):
            task = str(uuid.uuid4())
            worker = threading.Thread(target=lambda: [app.backend.store_result(task, 1, states.STARTED),
                                                      app.backend.store_result(task, 5, states.SUCCESS)])
            worker.start()
            self.assertEqual(lovage.wait(task)["result"], 5)
            worker.join()

    def test_neither_replaces_the_others_success(self):
        for serializer in ["json", "msgpack", "yaml"]:
            app, lovage = self.peers(serializer)
            with self.subTest(serializer=serializer):
                task = str(uuid.uuid4())
                app.backend.store_result(task, 5, states.SUCCESS)
                lovage.store(task_id=task, status="FAILURE", result=failure("ValueError", ["late"]))
                self.assertEqual(lovage.fetch(task)["result"], 5)
                task = lovage.store(task_id=str(uuid.uuid4()), status="SUCCESS", result=6)
                app.backend.store_result(task, ValueError("late"), states.FAILURE)
                self.assertEqual(app.AsyncResult(task).get(timeout=5), 6)

    @unittest.skipIf(celery.VERSION < (5, 3), "Celery ignores the prefix before 5.3")
    def test_both_put_the_same_prefix_before_their_keys(self):
        for prefix in ["site", "site:"]:
            app, lovage = self.peers(options={"global_keyprefix": prefix})
            task = lovage.store(task_id=str(uuid.uuid4()), status="SUCCESS", result=5)
            self.assertEqual(app.AsyncResult(task).get(timeout=5), 5)
            task = str(uuid.uuid4())
            app.backend.store_result(task, 6, states.SUCCESS)
            self.assertEqual(lovage.wait(task)["result"], 6)
            app.AsyncResult(task).forget()
            self.assertEqual(lovage.fetch(task)["status"], "PENDING")


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    print("celery", celery.__version__, flush=True)
    ran = unittest.main(verbosity=1, exit=False).result
    sys.stderr.flush()
    os._exit(not ran.wasSuccessful())  # Celery's handles would look for the server when they are taken apart
