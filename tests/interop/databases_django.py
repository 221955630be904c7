"""One case of databases.py in a Django process of its own: django-celery-results beside lovage on one database.

usage: databases_django.py BUILD_DIR CASE '{"database": {...}, "url": "..."}'
"""

import datetime
import json
import os
import sys
import types
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import django  # noqa: E402
import servers  # noqa: E402
import tasks  # noqa: E402
from celery import states  # noqa: E402
from celery.app.task import Context  # noqa: E402
from celery.result import GroupResult  # noqa: E402
from result_peer import Lovage, OutOfStock, failure, request_of  # noqa: E402


def django_app(build, given):
    """Django with its admin and the tables made; a Celery app with `django-db`; lovage on the same database."""
    from django.conf import settings

    if given["database"]["ENGINE"].endswith("mysql"):
        servers.django_by_pymysql()
    settings.configure(
        SECRET_KEY="of a test", DEBUG=True, ALLOWED_HOSTS=["*"], USE_TZ=True, TIME_ZONE="UTC",
        ROOT_URLCONF="databases_urls",
        DATABASES={"default": given["database"]}, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                        "django.contrib.sessions", "django.contrib.messages", "django_celery_results"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                    "django.contrib.auth.middleware.AuthenticationMiddleware",
                    "django.contrib.messages.middleware.MessageMiddleware"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
            "context_processors": ["django.template.context_processors.request",
                                   "django.contrib.auth.context_processors.auth",
                                   "django.contrib.messages.context_processors.messages"]}}])  # fmt: skip
    django.setup()
    from django.contrib import admin
    from django.core.management import call_command
    from django.urls import path

    call_command("migrate", verbosity=0)
    urls = types.ModuleType("databases_urls")
    urls.urlpatterns = [path("admin/", admin.site.urls)]
    sys.modules["databases_urls"] = urls
    app = tasks.make_app({"result_backend": "django-db", "result_extended": True, "broker_url": "memory://"})
    return app, Lovage(build / "bin/result_tool", given["url"])


def expect(got, wanted):
    if got != wanted:
        sys.exit(f"got {got!r}, expected {wanted!r}")


def shows_lovages_rows(app, lovage):
    from django.contrib.auth.models import User
    from django.test import Client
    from django.utils import timezone
    from django_celery_results.models import TaskResult

    started = lovage.store(status="STARTED", result={"pid": 1}, name="shop.long")
    expect(TaskResult.objects.get(task_id=started).date_started is None, False)
    child = str(uuid.uuid4())
    done = lovage.store(status="SUCCESS", result={"cents": 1900}, name="shop.total", args=[1, "it's"], kwargs={"k": None},
                        worker="w1@host", children=[[[child, None], None]])  # fmt: skip
    row = TaskResult.objects.get(task_id=done)
    expect((row.status, json.loads(row.result), row.task_name, json.loads(row.task_args), json.loads(row.task_kwargs),
            row.worker, row.content_type, row.content_encoding, row.traceback, json.loads(row.meta)),
           ("SUCCESS", {"cents": 1900}, "shop.total", "(1, 'it\\'s')", "{'k': None}", "w1@host", "application/json",
            "utf-8", None, {"children": [[[child, None], None]]}))  # fmt: skip
    for moment in (row.date_done, row.date_created):
        expect(abs(timezone.now() - moment) < datetime.timedelta(minutes=1), True)
    result = app.AsyncResult(done)
    expect((result.get(timeout=5), [c.id for c in result.children]), ({"cents": 1900}, [child]))
    failed = lovage.store(status="FAILURE", result=failure("ValueError", ["no"]), traceback="of C++")
    expect(repr(app.AsyncResult(failed).result), "ValueError('no')")
    expect(TaskResult.objects.get(task_id=failed).traceback, "of C++")
    expect(TaskResult.objects.filter(status="SUCCESS", task_name="shop.total").count(), 1)
    lovage.ask("save", [["g", None], [[[done, None], None]]])
    expect(GroupResult.restore("g", app=app, backend=app.backend).get(timeout=5), [{"cents": 1900}])

    User.objects.create_superuser("root", password="secret")
    site = Client()
    site.login(username="root", password="secret")
    page = site.get("/admin/django_celery_results/taskresult/").content.decode()
    for text in (done, failed, "shop.total", "SUCCESS", "FAILURE", "w1@host"):
        expect(text in page, True)
    page = site.get(f"/admin/django_celery_results/taskresult/{row.id}/change/")
    expect((page.status_code, "shop.total" in page.content.decode()), (200, True))


def is_read_by_lovage(app, lovage):
    store = app.backend.store_result
    done = str(uuid.uuid4())
    store(done, {"a": [1, None]}, states.SUCCESS, request=request_of(done))
    record = lovage.ask("wait", done)
    expect([record[k] for k in ("status", "result", "name", "args", "kwargs", "worker", "children")],
           ["SUCCESS", {"a": [1, None]}, "shop.add", "(1, 'two')", "{'k': None}", "w1@host", []])  # fmt: skip
    failed = str(uuid.uuid4())
    store(failed, OutOfStock("tea", 3), states.FAILURE, traceback="Traceback", request=request_of(failed))
    record = lovage.ask("fetch", failed)
    expect((record["result"], record["traceback"]), (failure("OutOfStock", ["tea", 3], OutOfStock.__module__), "Traceback"))
    lovage.store(task_id=done, status="FAILURE", result=failure("ValueError", ["late"]))
    expect(app.AsyncResult(done).get(timeout=5), {"a": [1, None]})
    GroupResult("g", [app.AsyncResult(done)], app=app).save(backend=app.backend)
    expect(lovage.ask("group", "g"), [["g", None], [[[done, None], None]]])

    from django_celery_results.models import TaskResult

    TaskResult.objects.filter(task_id=done).update(date_done=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc))
    expect(lovage.ask("fetch", done)["status"], "PENDING")
    expect(lovage.ask("cleanup"), 1)
    expect(TaskResult.objects.filter(task_id=done).exists(), False)


def counts_chords_together(app, lovage):
    """The header of a chord that Celery began; its members are run by both."""
    from django_celery_results.models import ChordCounter

    sent = []
    app.send_task = lambda *args, **options: sent.append(args)

    def member_of_python(task, group, value):
        app.backend.store_result(task, value, states.SUCCESS)
        app.backend.on_chord_part_return(
            Context({"id": task, "group": group, "chord": app.signature("shop.total")}), states.SUCCESS, value
        )

    def member_of_lovage(task, group, index, value):
        lovage.store(task_id=task, status="SUCCESS", result=value)
        return lovage.ask("part", {"group": group, "index": index, "id": task, "status": "SUCCESS", "result": value})

    def begin(group):
        ids = [str(uuid.uuid4()) for _ in range(3)]
        header = app.GroupResult(group, [app.AsyncResult(i) for i in ids])
        app.backend.apply_chord((header.id, header.results), app.signature("shop.total"))
        return ids

    a, b, c = begin("ends-here")
    member_of_python(b, "ends-here", 20)
    expect(member_of_lovage(a, "ends-here", 0, 10), None)
    expect(ChordCounter.objects.get(group_id="ends-here").count, 1)
    expect(member_of_lovage(a, "ends-here", 0, 10), None)  # run again: counted once
    expect(ChordCounter.objects.get(group_id="ends-here").count, 1)
    expect(member_of_lovage(c, "ends-here", 2, 30), [10, 20, 30])
    expect(ChordCounter.objects.filter(group_id="ends-here").exists(), False)

    a, b, c = begin("ends-there")
    expect(member_of_lovage(a, "ends-there", 0, 1), None)
    expect(member_of_lovage(b, "ends-there", 1, 2), None)
    called = []
    import django_celery_results.backends.database as theirs

    theirs.trigger_callback = lambda app, callback, group_result: called.append(group_result.join(timeout=5))
    member_of_python(c, "ends-there", 3)
    expect(called, [[1, 2, 3]])


def main():
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    build, case, given = sys.argv[1:]
    app, lovage = django_app(Path(build), json.loads(given))
    {"shows_lovages_rows": shows_lovages_rows, "is_read_by_lovage": is_read_by_lovage,
     "counts_chords_together": counts_chords_together}[case](app, lovage)  # fmt: skip
    lovage.close()


if __name__ == "__main__":
    main()
