"""usage: try_admin.py - makes a periodic task in the site's admin and sees what comes of it: the forms and pages are the
admin's own, `lovage beat` sends what they say, the C++ worker runs it.
"""

import os
import re
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "website.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import formats, timezone  # noqa: E402
from django_celery_beat.models import IntervalSchedule, PeriodicTask  # noqa: E402
from django_celery_results.models import TaskResult  # noqa: E402

BEAT, RESULTS = "/admin/django_celery_beat/", "/admin/django_celery_results/taskresult/"
ENTRY = "tea every second"
NO_ROWS = {"periodictask_set-TOTAL_FORMS": 0, "periodictask_set-INITIAL_FORMS": 0}  # of the table below that form


def expect(right, what):
    if not right:
        sys.exit(f"error: not seen: {what}")
    print(f"ok: {what}")


def wait_for(condition, what):
    end = time.monotonic() + 30
    while not (found := condition()):
        if time.monotonic() > end:
            sys.exit(f"error: not seen within 30 s: {what}")
        time.sleep(0.1)
    print(f"ok: {what}")
    return found


def submit(admin, path, fields):
    """Posts a form of the admin; one that is refused comes back as a page with what is wrong."""
    answer = admin.post(path, fields)
    if answer.status_code != 302:
        why = re.findall('<ul class="errorlist.*?</ul>', answer.content.decode())
        sys.exit(f"error: {path} is refused: {answer.status_code} {why}")


def result_of(text):
    return TaskResult.objects.filter(periodic_task_name=ENTRY, status="SUCCESS", result__contains=text).first()


User.objects.create_superuser("manager", password="secret")
admin = Client(headers={"host": "localhost"})
admin.login(username="manager", password="secret")

# A schedule and an entry, as a person makes them. The queue: the scheduler does not read Django's CELERY_TASK_ROUTES.
submit(admin, BEAT + "intervalschedule/add/", {"every": 1, "period": "seconds", **NO_ROWS})
entry = {"name": ENTRY, "regtask": "shop.restock", "queue": "cpp", "enabled": "on",
         "interval": IntervalSchedule.objects.get().pk, "args": '["tea"]', "kwargs": '{"count": 10}'}  # fmt: skip
submit(admin, BEAT + "periodictask/add/", entry)
task = PeriodicTask.objects.get(name=ENTRY)

result = wait_for(lambda: result_of("ordered 10 of tea"), "an entry of the admin is sent, run in C++, and its result is in the ORM")
page = admin.get(f"{RESULTS}{result.pk}/change/").content.decode()
expect(all(text in page for text in (ENTRY, "shop.restock", "ordered 10 of tea")), "the result is in the admin")
expect(ENTRY in admin.get(RESULTS).content.decode(), "the list of results names the entry")


def shown_run():
    """The entry's last run and how many there were, where the admin's list shows both."""
    page = admin.get(BEAT + "periodictask/").content.decode()
    task.refresh_from_db()
    last = task.last_run_at and formats.localize(timezone.localtime(task.last_run_at))
    shown = last and f'field-last_run_at nowrap">{last}<' in page and f'field-total_run_count">{task.total_run_count}<' in page
    return shown and (task.last_run_at, task.total_run_count)


last_run_at, runs = wait_for(shown_run, "the list of entries shows when it ran last, and how often")
expect(runs > 0 and abs((timezone.now() - last_run_at).total_seconds()) < 10, f"it ran just now, {runs} times so far")

# A change: Django notes it in PeriodicTasks, by which the scheduler sees it.
submit(admin, f"{BEAT}periodictask/{task.pk}/change/", {**entry, "kwargs": '{"count": 25}'})
wait_for(lambda: result_of("ordered 25 of tea"), "a change in the admin is what is sent from then on")

# Two actions of the list.
submit(admin, BEAT + "periodictask/", {"action": "disable_tasks", "_selected_action": task.pk})
task.refresh_from_db()
expect(not task.enabled, "the entry is disabled")
submit(admin, f"{BEAT}periodictask/{task.pk}/change/", {**entry, "enabled": "", "kwargs": '{"count": 99}'})
submit(admin, BEAT + "periodictask/", {"action": "run_tasks", "_selected_action": task.pk})
wait_for(lambda: result_of("ordered 99 of tea"), "and can be run by hand")
