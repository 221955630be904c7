"""lovage beat on the tables of a real django-celery-beat: made by its migrations, filled by its ORM.

    django_beat.py path/to/lovage [sqlite|postgres|mariadb]

Without a database each is tried in a process of its own: Django is configured once in a process. Two schedulers run at
once all the time; what they send is read from the broker.
"""
import contextlib
import datetime as dt
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

import servers

PROGRAM = PLACE = BROKER = None
SECOND = dt.timedelta(seconds=1)


def now():
    return dt.datetime.now(dt.timezone.utc)


def environment():
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LOVAGE_", "CELERY_"))}
    env.update(HOME=PLACE, LOVAGE_BROKER_URL=BROKER, LOVAGE_BEAT_SCHEDULER="django", LOVAGE_DJANGO_DATABASE_URL=DATABASE)
    return env


def lovage(*args, code=0):
    done = subprocess.run([PROGRAM, *args], env=environment(), cwd=PLACE, text=True, capture_output=True, timeout=60)
    assert done.returncode == code, f"{args}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@contextlib.contextmanager
def schedulers(count):
    logs = [open(os.path.join(PLACE, f"beat{i}.log"), "w") for i in range(count)]
    beats = [subprocess.Popen([PROGRAM, "beat", "-l", "info"], env=environment(), cwd=PLACE, stdout=log, stderr=log,
                              stdin=subprocess.DEVNULL, preexec_fn=servers.die_with_parent) for log in logs]
    said = [pathlib.Path(log.name) for log in logs]
    try:
        for log in said:  # one that has not come so far does not know TERM yet
            servers.wait_until(lambda: "beat: Starting..." in log.read_text(), 30, "a scheduler")
        yield beats
        for beat, log in zip(beats, said):
            assert beat.poll() is None, log.read_text()
            beat.send_signal(signal.SIGTERM)
        for beat, log in zip(beats, said):
            assert beat.wait(30) == 0, log.read_text()
    finally:
        for beat, log in zip(beats, logs):
            if beat.poll() is None:
                beat.kill()
                beat.wait()
            log.close()


class Queue:
    """Messages of one queue, as they come."""

    def __init__(self, app, name):
        self.queue = app.connection_for_read().SimpleQueue(name)
        self.messages = []

    def read(self):
        while True:
            try:
                message = self.queue.get(block=False)
            except self.queue.Empty:
                return self.messages
            message.ack()
            self.messages.append(message)

    def of(self, entry):
        return [m for m in self.read() if m.headers.get("periodic_task_name") == entry]


class DjangoBeatTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from celery import Celery
        cls.app = Celery("peer", broker=BROKER, set_as_current=False)

    def setUp(self):
        from django_celery_beat import models
        self.models = models
        models.PeriodicTask.objects.all().delete()
        lovage("queues", "purge", "celery", "-f")
        self.queue = Queue(self.app, "celery")

    def interval(self, every=1, period="seconds"):
        return self.models.IntervalSchedule.objects.get_or_create(every=every, period=period)[0]

    def task(self, name, **fields):
        if not {"interval", "crontab", "solar", "clocked"} & set(fields):
            fields["interval"] = self.interval()
        return self.models.PeriodicTask.objects.create(name=name, task="shop.add", **fields)

    def fresh(self, task):
        return self.models.PeriodicTask.objects.get(pk=task.pk)

    def test_entries_are_sent_once_and_written_back(self):
        ticks = self.task("ticks", args="[2, 3]", kwargs='{"note": "\u2713"}', priority=3, expire_seconds=60,
                          headers='{"tenant": "acme"}')
        with schedulers(2):
            servers.wait_until(lambda: len(self.queue.of("ticks")) >= 4, 30, "four runs")
            servers.wait_until(lambda: self.fresh(ticks).total_run_count >= 4, 10, "the count of runs")
        messages = self.queue.of("ticks")
        ids = [m.headers["id"] for m in messages]
        self.assertEqual(len(set(ids)), len(ids), "no occurrence twice")
        self.assertEqual(self.fresh(ticks).total_run_count, len(ids))
        self.assertLess(now() - self.fresh(ticks).last_run_at, 20 * SECOND)
        message = messages[0]
        self.assertEqual(message.headers["task"], "shop.add")
        self.assertEqual(message.payload[:2], [[2, 3], {"note": "\u2713"}])
        self.assertEqual(message.headers["tenant"], "acme")
        self.assertEqual(message.properties["priority"], 3)
        expires = dt.datetime.fromisoformat(message.headers["expires"])
        self.assertLess(abs(expires - now() - 60 * SECOND), 40 * SECOND)
        # What Django's own scheduler makes of the tables then.
        from django_celery_beat.schedulers import DatabaseScheduler
        entry = DatabaseScheduler(app=self.app, lazy=True).all_as_schedule()["ticks"]
        self.assertEqual(entry.total_run_count, len(ids))

    def test_changes_of_the_admin_are_seen_within_five_seconds(self):
        ticks = self.task("ticks", args="[1]")
        with schedulers(1):
            servers.wait_until(lambda: self.queue.of("ticks"), 30, "the first run")
            ticks.args = "[2]"
            ticks.save()
            servers.wait_until(lambda: self.queue.of("ticks")[-1].payload[0] == [2], 6.5, "the new arguments")
            self.task("late comer")
            servers.wait_until(lambda: self.queue.of("late comer"), 7.5, "a new entry")
            ticks.interval = self.interval(1, "hours")
            ticks.save()
            self.task("witness")  # changes are read together: what comes of this one comes after the other's
            servers.wait_until(lambda: self.queue.of("witness"), 7.5, "a new entry")
            count = len(self.queue.of("ticks"))
            seen = len(self.queue.of("witness"))
            servers.wait_until(lambda: len(self.queue.of("witness")) >= seen + 3, 20, "three seconds")
            self.assertEqual(len(self.queue.of("ticks")), count, "hourly now")
            ticks.delete()

    def test_what_is_for_once_what_has_expired_and_what_has_not_begun(self):
        clocked = self.models.ClockedSchedule.objects.create(clocked_time=now() + 2 * SECOND)
        once = self.task("once", clocked=clocked, one_off=True)
        past = self.task("past", clocked=self.models.ClockedSchedule.objects.create(clocked_time=now() - 60 * SECOND),
                         one_off=True)
        first = self.task("first only", one_off=True)
        expired = self.task("expired", expires=now() - SECOND)
        later = self.task("later", start_time=now() + 3600 * SECOND)
        soon = self.task("soon", start_time=now() + 3 * SECOND, interval=self.interval(1, "hours"))
        off = self.task("off", enabled=False)
        broken = self.task("broken", args="[1")
        with schedulers(2):
            for entry in ("once", "past", "first only", "soon"):
                servers.wait_until(lambda: self.queue.of(entry), 30, f"the run of {entry}")
            for task in (once, past, first, expired):
                servers.wait_until(lambda: not self.fresh(task).enabled, 20, f"the end of {task.name}")
        for entry in ("once", "past", "first only", "soon"):
            self.assertEqual(len(self.queue.of(entry)), 1, entry)
        self.assertEqual(self.fresh(once).total_run_count, 0, "as Django leaves it")
        for entry in ("expired", "later", "off", "broken"):
            self.assertEqual(self.queue.of(entry), [], entry)
        self.assertTrue(self.fresh(later).enabled)
        self.assertIsNone(self.fresh(off).last_run_at)
        self.assertTrue(self.fresh(broken).enabled)
        logs = "".join(path.read_text() for path in pathlib.Path(PLACE).glob("beat*.log"))
        self.assertIn("'broken' of Django: its arguments", logs)

    def test_crontabs_have_the_zone_of_their_row(self):
        import zoneinfo
        zone = zoneinfo.ZoneInfo("Asia/Kolkata")  # half an hour off
        crontab = self.models.CrontabSchedule.objects.create(minute="30", hour="*/2", day_of_week="mon-fri",
                                                             timezone=zone)
        solar = self.models.SolarSchedule.objects.create(event="sunset", latitude="52.52", longitude="-13.4")
        self.task("zoned", crontab=crontab)
        self.task("evening", solar=solar)
        listed = json.loads(lovage("schedule", "list", "--json"))
        by_name = {entry["name"]: entry for entry in listed}
        self.assertEqual(by_name["zoned"]["schedule"], "30 */2 * * 1-5 Asia/Kolkata")
        self.assertEqual(by_name["evening"]["schedule"], "solar sunset 52.52 -13.4")

    def test_commands_pause_and_resume_and_leave_the_rest_to_the_admin(self):
        ticks = self.task("ticks")
        lovage("schedule", "pause", "ticks")
        self.assertFalse(self.fresh(ticks).enabled)
        lovage("schedule", "resume", "ticks")
        self.assertTrue(self.fresh(ticks).enabled)
        self.assertIn("Django's admin", lovage("schedule", "remove", "ticks", code=1))
        # Entries of lovage's own stand beside those of Django.
        lovage("schedule", "add", "mine", "every 1s", "shop.add", "1", "2")
        with schedulers(2):
            servers.wait_until(lambda: self.queue.of("mine") and self.queue.of("ticks"), 30, "a run of both")
        lovage("schedule", "remove", "mine")


def main(database):
    global PLACE, BROKER, DATABASE
    with contextlib.ExitStack() as stack:
        PLACE = stack.enter_context(tempfile.TemporaryDirectory(prefix="lovage-django-"))
        BROKER = stack.enter_context(servers.redis()).url()
        if database == "sqlite":
            DATABASE = f"sqlite:///{PLACE}/site.sqlite3"
            settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{PLACE}/site.sqlite3", "OPTIONS": {"timeout": 20}}
        elif database == "postgres":
            server = stack.enter_context(servers.postgres())
            DATABASE = server.url()
            settings = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres",
                        "HOST": "127.0.0.1", "PORT": server.port}
        else:
            server = stack.enter_context(servers.mariadb())
            DATABASE, settings = server.url("site"), server.django("site")
            servers.django_by_pymysql()
            server.execute("CREATE DATABASE site CHARACTER SET utf8mb4")
        import django
        from django.conf import settings as site
        site.configure(DATABASES={"default": settings}, INSTALLED_APPS=["django.contrib.contenttypes", "django_celery_beat"],
                       USE_TZ=True, TIME_ZONE="Europe/Berlin", DEFAULT_AUTO_FIELD="django.db.models.AutoField")
        django.setup()
        from django.core.management import call_command
        call_command("migrate", verbosity=0)
        result = unittest.main(verbosity=1, exit=False, argv=[sys.argv[0], *sys.argv[1:]]).result
        return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    DATABASES = ("sqlite", "postgres", "mariadb")
    if len(sys.argv) > 1 and sys.argv[1] in DATABASES:
        sys.exit(main(sys.argv.pop(1)))
    codes = [subprocess.run([sys.executable, __file__, PROGRAM, database]).returncode for database in DATABASES]
    sys.exit(max(codes))
