"""The same tasks as interop_tasks.cpp, in a Celery app; settings come as JSON in INTEROP_SETTINGS.

    INTEROP_SETTINGS='{"broker_url": "redis://..."}' python -m celery -A tasks worker
"""

import json
import os
import time

from celery import Celery


class Declined(Exception):
    """An exception of one's own: a C++ client knows it by name."""


def make_app(settings: dict) -> Celery:
    app = Celery("interop", set_as_current=False)
    app.conf.update(settings)
    define(app)
    return app


def append(file: str, line: str) -> None:
    with open(file, "a", encoding="utf-8") as f:
        f.write(line + "\n")


def wait_for(file: str) -> None:
    end = time.monotonic() + 600
    while not os.path.exists(file):
        if time.monotonic() > end:
            raise RuntimeError(f"nobody made {file}")
        time.sleep(0.005)


KINDS = {"value": ValueError, "index": IndexError, "runtime": RuntimeError, "overflow": OverflowError,
         "custom": Declined}  # fmt: skip


def define(app: Celery) -> None:
    def task(function, **options):
        name = "interop." + function.__name__.strip("_")
        return app.task(function, name=name, shared=False, **options)

    def echo(x):
        return x

    def add(x, y):
        return x + y

    def total(xs):
        return sum(xs)

    def join(separator, parts, upper=None):
        out = separator.join(parts)
        return out.upper() if upper else out

    def typed(all):  # noqa: A002
        return all

    def fail(kind, message):
        raise KINDS[kind](message)

    def flaky(self, times):
        if self.request.retries < times:
            raise self.retry(countdown=0.1, exc=RuntimeError("not yet"))
        return self.request.retries

    def hopeless(self, message):
        raise self.retry(countdown=0.1, exc=ValueError(message))

    def now():
        return time.time()

    def slow(seconds):
        time.sleep(seconds)

    def hold(file):
        wait_for(file)
        return "let go"

    def report(self, file, state, meta):
        self.update_state(state=state, meta=meta)
        wait_for(file)
        return "let go"

    def note(what, file):
        append(file, what if isinstance(what, str) else str(what))

    def note_error(task_id, *, file):  # with two arguments by place Celery would call it in another way
        append(file, task_id)

    def ignored(file):
        append(file, "ran")
        return 7

    def who():
        time.sleep(0.005)
        return "python"

    for function in (echo, add, total, join, typed, fail, now, slow, hold, note, note_error, who):
        task(function)
    task(flaky, bind=True, max_retries=5)
    task(hopeless, bind=True, max_retries=1)
    task(report, bind=True)
    task(ignored, ignore_result=True)


if "INTEROP_SETTINGS" in os.environ:
    app = make_app(json.loads(os.environ["INTEROP_SETTINGS"]))
