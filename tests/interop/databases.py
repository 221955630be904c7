#!/usr/bin/env python3
"""Real Celery's results in databases beside lovage's: what one writes the other reads.

usage: databases.py BUILD_DIR [unittest's arguments]

Runs in the Python environment "databases" (tests/support/in_python_env.sh). SQLite, PostgreSQL and MariaDB; Celery's own
tables, and those of django-celery-results with Django's ORM and its admin.
"""

import datetime
import decimal
import json
import os
import subprocess
import sys
import tempfile
import unittest
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import celery  # noqa: E402
import django  # noqa: E402
import servers  # noqa: E402
import sqlalchemy  # noqa: E402
import tasks  # noqa: E402
from celery import states  # noqa: E402
from celery.exceptions import TaskRevokedError  # noqa: E402
from celery.result import GroupResult  # noqa: E402
from peers import LovageWorker, PythonWorker  # noqa: E402
from result_peer import Lovage, OutOfStock, failure, request_of  # noqa: E402

# Columns that Celery 5.7 adds to tables that are there already; it reads them where they are.
ADDED_LATER = ("children", "stamps")
BUILD = Path(".")
RUNNING: dict[str, servers.Server] = {}


class Database:
    """A fresh database: its address for lovage, for SQLAlchemy and for Django."""

    def __init__(self, kind, work):
        self.name = "t" + uuid.uuid4().hex[:12]
        if kind == "sqlite":
            self.url = self.python_url = f"sqlite:///{work}/{self.name}.db"
            self.django = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{work}/{self.name}.db"}
            return
        server = RUNNING[kind]
        server.execute(f"CREATE DATABASE {self.name}" + (" CHARACTER SET utf8mb4" if kind == "mariadb" else ""))
        self.url = server.url(self.name)
        if kind == "postgres":
            self.python_url = self.url.replace("postgresql:", "postgresql+psycopg2:")
            self.django = {"ENGINE": "django.db.backends.postgresql", "NAME": self.name, "USER": "postgres",
                           "HOST": "127.0.0.1", "PORT": server.port}  # fmt: skip
        else:
            self.python_url = self.url.replace("mysql:", "mysql+pymysql:")
            self.django = server.django(self.name)


class DatabaseCase(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory(prefix="lovage-db.")
        self.addCleanup(work.cleanup)
        self.work = Path(work.name)

    def lovage_at(self, url, **more):
        out = Lovage(BUILD / "bin/result_tool", url, **more)
        self.addCleanup(out.close)
        return out


class CeleryTables:
    """On each database, see below."""

    kind = ""

    def peers(self, **settings):
        database = Database(self.kind, self.work)
        app = tasks.make_app({"result_backend": "db+" + database.python_url, "broker_url": "memory://", **settings})
        return app, self.lovage_at("db+" + database.url), database

    def test_tables_are_those_that_celery_makes(self):
        def described(database, prepare):
            prepare(database)
            look = sqlalchemy.inspect(sqlalchemy.create_engine(database.python_url))
            out = {}
            for table in ("celery_taskmeta", "celery_tasksetmeta"):
                columns = [(c["name"], str(c["type"]), c["nullable"], c.get("autoincrement")) for c in look.get_columns(table)
                           if c["name"] not in ADDED_LATER]  # fmt: skip
                unique = [u["column_names"] for u in look.get_unique_constraints(table)]
                indexes = [(i["name"], i["column_names"]) for i in look.get_indexes(table) if not i["unique"]]
                out[table] = (columns, look.get_pk_constraint(table)["constrained_columns"], unique, indexes)
            if self.kind != "sqlite":
                out["sequences"] = sorted(look.get_sequence_names())
            return out

        def by_celery(database):
            app = tasks.make_app({"result_backend": "db+" + database.python_url})
            app.backend.store_result("a", 1, states.SUCCESS)

        def by_lovage(database):
            self.lovage_at("db+" + database.url).store(status="SUCCESS", result=1)

        wanted = described(Database(self.kind, self.work), by_celery)
        self.assertEqual(described(Database(self.kind, self.work), by_lovage), wanted)

    def test_celery_reads_what_lovage_stores(self):
        app, lovage, _ = self.peers(result_extended=True)
        for value in (None, True, 7, -(2**80), 2.5, "größe 🌿", [1, [2, {}]], {"a": {"b": None}}):
            self.assertEqual(app.AsyncResult(lovage.store(status="SUCCESS", result=value)).get(timeout=5), value)
        failed = lovage.store(status="FAILURE", result=failure("ValueError", ["no url"]), traceback="Traceback of C++")
        with self.assertRaisesRegex(ValueError, "no url"):
            app.AsyncResult(failed).get(timeout=5)
        self.assertEqual(app.AsyncResult(failed).traceback, "Traceback of C++")
        with self.assertRaisesRegex(Exception, "7") as caught:
            app.AsyncResult(lovage.store(status="FAILURE", result=failure("Broken", [7], "shop"))).get(timeout=5)
        self.assertEqual(type(caught.exception).__name__, "Broken")
        revoked = lovage.store(status="REVOKED", result=failure("TaskRevokedError", ["expired"], "celery.exceptions"))
        with self.assertRaises(TaskRevokedError):
            app.AsyncResult(revoked).get(timeout=5)
        started = app.AsyncResult(lovage.store(status="STARTED", result={"pid": 3, "hostname": "h"}))
        self.assertEqual((started.state, started.info), ("STARTED", {"pid": 3, "hostname": "h"}))
        done = app.AsyncResult(lovage.store(status="SUCCESS", result=3, name="shop.add", args=[1, 2], kwargs={"k": 1},
                                            worker="w@h", retries=1, queue="high"))  # fmt: skip
        self.assertEqual((done.get(timeout=5), done.name, done.args, done.kwargs, done.worker, done.retries, done.queue),
                         (3, "shop.add", [1, 2], {"k": 1}, "w@h", 1, "high"))  # fmt: skip
        self.assertLess(abs(datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - done.date_done),
                        datetime.timedelta(minutes=1))  # fmt: skip

    def test_lovage_reads_what_celery_stores(self):
        app, lovage, _ = self.peers(result_extended=True)
        values = (None, True, 7, -(2**80), 2.5, "größe 🌿", [1, [2, {}]], {"a": {"b": None}}, (1, (2,)))
        for value in values:
            task = str(uuid.uuid4())
            app.backend.store_result(task, value, states.SUCCESS)
            self.assertEqual(lovage.ask("fetch", task)["result"], json.loads(json.dumps(value)))
        task = str(uuid.uuid4())
        app.backend.store_result(task, {"when": datetime.datetime(2026, 11, 23, 12), "price": decimal.Decimal("1.50"),
                                        "bytes": b"ascii"}, states.SUCCESS)  # fmt: skip
        self.assertEqual(lovage.ask("fetch", task)["result"],
                         {"when": "2026-11-23T12:00:00", "price": "1.50", "bytes": "ascii"})  # fmt: skip
        for error, told in ((ValueError("no", 3), failure("ValueError", ["no", 3])),
                            (OutOfStock("tea"), failure("OutOfStock", ["tea"], OutOfStock.__module__))):  # fmt: skip
            app.backend.store_result(task := str(uuid.uuid4()), error, states.FAILURE, traceback="Traceback",
                                     request=request_of(task))  # fmt: skip
            record = lovage.ask("fetch", task)
            self.assertEqual((record["status"], record["result"], record["traceback"]), ("FAILURE", told, "Traceback"))
            self.assertEqual([record[k] for k in ("name", "args", "kwargs", "worker", "retries", "queue")],
                             ["shop.add", [1, "two"], {"k": None}, "w1@host", 2, "celery"])  # fmt: skip
            self.assertTrue(record["date_done"])

    def test_lovage_takes_pickled_exceptions_apart(self):
        app, lovage, _ = self.peers(result_serializer="pickle", accept_content=["pickle", "json"])
        app.backend.store_result(task := str(uuid.uuid4()), OutOfStock("tea", 3), states.FAILURE)
        self.assertEqual(lovage.ask("fetch", task)["result"], failure("OutOfStock", ["tea", 3], OutOfStock.__module__))
        app.backend.store_result(task := str(uuid.uuid4()), OutOfStock, states.SUCCESS)
        answer = lovage.say("fetch", task)
        self.assertIn("OutOfStock", answer)
        self.assertTrue(answer.startswith("error: "), answer)

    def test_groups_are_restored_by_the_other(self):
        app, lovage, _ = self.peers()
        members = [app.AsyncResult(str(uuid.uuid4())) for _ in range(3)]
        GroupResult("by-celery", members, app=app).save()
        self.assertEqual(lovage.ask("group", "by-celery"), [["by-celery", None], [[[m.id, None], None] for m in members]])
        lovage.ask("save", [["by-lovage", None], [[[m.id, None], None] for m in members]])
        for n, m in enumerate(members):
            lovage.store(task_id=m.id, status="SUCCESS", result=n)
        app.set_current()  # a pickle that names no app makes results of this one
        self.assertEqual(GroupResult.restore("by-lovage", app=app).get(timeout=5), [0, 1, 2])

    def test_each_waits_for_the_other_and_no_success_is_replaced(self):
        app, lovage, _ = self.peers()
        task = str(uuid.uuid4())
        app.backend.store_result(task, 1, states.STARTED)
        app.backend.store_result(task, 5, states.SUCCESS)
        self.assertEqual(lovage.ask("wait", task)["result"], 5)
        lovage.store(task_id=task, status="FAILURE", result=failure("ValueError", ["late"]))
        self.assertEqual(app.AsyncResult(task).get(timeout=5), 5)
        app.AsyncResult(task).forget()
        self.assertEqual(lovage.ask("fetch", task)["status"], "PENDING")

    def test_each_cleans_up_what_the_other_left(self):
        app, lovage, database = self.peers()
        old = lovage.store(status="SUCCESS", result=1)
        app.backend.store_result(other := str(uuid.uuid4()), 1, states.SUCCESS)
        with sqlalchemy.create_engine(database.python_url).begin() as on:
            on.execute(sqlalchemy.text("UPDATE celery_taskmeta SET date_done = '2020-01-01 00:00:00'"))
        self.assertEqual(lovage.ask("fetch", other)["status"], "PENDING")
        self.assertEqual(lovage.ask("cleanup"), 2)
        self.assertEqual(app.AsyncResult(old).state, "PENDING")
        app.backend.cleanup()

    def test_a_chord_that_celery_begins_is_waited_for_by_a_lovage_worker(self):
        """Celery counts nothing on these databases: it sends `celery.chord_unlock` beside the members."""
        database = Database(self.kind, self.work)
        common = {"broker_url": RUNNING["redis"].url(), "result_extended": True}
        own, both = f"chord.{self.kind}.lovage", f"chord.{self.kind}.python"
        app = tasks.make_app({**common, "result_backend": "db+" + database.python_url})
        python = PythonWorker(self.work / "python.log", {**common, "result_backend": "db+" + database.python_url}, [both], 1)
        worker = LovageWorker(self.work / "lovage.log", BUILD, {**common, "result_backend": "db+" + database.url}, [own], 2)
        app.set_current()  # what is nested in a signature asks for it
        try:
            for one in (python, worker):
                one.wait_ready()

            def member(name, *args, queue=own):
                return app.signature(name, args, queue=queue)

            body = app.signature("interop.total", queue=own)
            good = celery.chord([member("interop.add", 1, 2), member("interop.add", 3, 4, queue=both)])(body)
            bad = celery.chord([member("interop.add", 1, 2), member("interop.fail", "value", "no")])(body)
            self.assertEqual(good.get(timeout=30), 10)
            with self.assertRaisesRegex(celery.exceptions.ChordError, "no"):
                app.AsyncResult(bad.id).get(timeout=30)  # of its own, not its parent's
            self.assertNotIn("chord_unlock", python.log.read_text(errors="replace"))
            self.assertRegex(worker.log.read_text(errors="replace"), "Chord .* -> interop.total failed: Dependency")
        finally:
            faults = [fault for fault in (python.stop(), worker.stop()) if fault]
        self.assertEqual(faults, [])

    def test_workers_of_both_kinds_serve_a_client_of_either(self):
        database = Database(self.kind, self.work)
        common = {"broker_url": RUNNING["redis"].url(), "result_extended": True}
        prefix = f"to.{self.kind}."
        app = tasks.make_app({**common, "result_backend": "db+" + database.python_url})
        python = PythonWorker(self.work / "python.log", {**common, "result_backend": "db+" + database.python_url},
                              [prefix + "python"], 2)  # fmt: skip
        own = LovageWorker(self.work / "lovage.log", BUILD, {**common, "result_backend": "db+" + database.url},
                           [prefix + "lovage"], 2)  # fmt: skip
        lovage = self.lovage_at("db+" + database.url)
        try:
            for worker in (python, own):
                worker.wait_ready()
                queue = prefix + worker.kind
                added = app.send_task("interop.add", (2, 3), queue=queue)
                broken = app.send_task("interop.fail", ("value", "no"), queue=queue)
                self.assertEqual(lovage.ask("wait", added.id)["result"], 5)
                self.assertEqual(lovage.ask("wait", added.id)["name"], "interop.add")
                self.assertEqual(lovage.ask("wait", broken.id)["result"], failure("ValueError", ["no"]))
                self.assertEqual(added.get(timeout=10), 5)
                with self.assertRaisesRegex(ValueError, "no"):
                    broken.get(timeout=10)
                self.assertEqual((added.name, added.args, added.queue), ("interop.add", [2, 3], queue))
                group = celery.group(app.signature("interop.add", (n, n), queue=queue) for n in range(5)).apply_async()
                self.assertEqual(group.get(timeout=10), [0, 2, 4, 6, 8])
        finally:
            faults = [fault for fault in (python.stop(), own.stop()) if fault]
        self.assertEqual(faults, [])


class SqliteTables(CeleryTables, DatabaseCase):
    kind = "sqlite"


class PostgresTables(CeleryTables, DatabaseCase):
    kind = "postgres"


class MariadbTables(CeleryTables, DatabaseCase):
    kind = "mariadb"


# Run in a process of its own: Django's settings are for the life of a process.
class DjangoTables:
    kind = ""

    def setUp(self):
        super().setUp()
        self.database = Database(self.kind, self.work)
        self.url = "django-db+" + self.database.url

    def run_django(self, case):
        """The function `case` of databases_django.py, in a Django process on this database."""
        given = {"database": self.database.django, "url": self.url}
        done = subprocess.run([sys.executable, str(HERE / "databases_django.py"), str(BUILD), case, json.dumps(given)],
                              capture_output=True, text=True, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_missing_tables_are_told_with_what_makes_them(self):
        answer = self.lovage_at(self.url).say("fetch", "a")
        self.assertIn("python manage.py migrate", answer)
        self.assertIn("django_celery_results_taskresult", answer)

    def test_orm_admin_and_results_show_what_lovage_stores(self):
        self.run_django("shows_lovages_rows")

    def test_lovage_reads_what_the_django_backend_stores(self):
        self.run_django("is_read_by_lovage")

    def test_chords_that_celery_began_end_by_either(self):
        self.run_django("counts_chords_together")


class DjangoOnSqlite(DjangoTables, DatabaseCase):
    kind = "sqlite"


class DjangoOnPostgres(DjangoTables, DatabaseCase):
    kind = "postgres"


class DjangoOnMariadb(DjangoTables, DatabaseCase):
    kind = "mariadb"


def main():
    global BUILD  # noqa: PLW0603
    BUILD = Path(sys.argv.pop(1)).resolve()
    print("celery", celery.__version__, "django", django.__version__, "sqlalchemy", sqlalchemy.__version__, flush=True)
    with servers.postgres() as postgres, servers.mariadb() as mariadb, servers.redis() as redis:
        RUNNING.update(postgres=postgres, mariadb=mariadb, redis=redis)
        ran = unittest.main(verbosity=1, exit=False).result
    sys.stderr.flush()
    os._exit(not ran.wasSuccessful())  # Celery's handles would look for the servers when they are taken apart


if __name__ == "__main__":
    main()
