"""Celery's own crontab and solar are asked when things are due, and lovage's answers are set beside theirs.

    schedules.py path/to/schedule_tool

Random expressions of the whole grammar at random moments, in UTC and in other zones where no clock changes in between
(what happens at changes is lovage's own policy, and tested by src/beat/zone_test.cpp).
"""
import datetime as dt
import random
import subprocess
import sys
import unittest
import warnings
import zoneinfo

import ephem
from celery import Celery, schedules

TOOL = None
UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
WEEKDAYS = ["sun", "Monday", "TUE", "wednesday", "thu", "Fri", "sat"]
MONTHS = ["jan", "February", "MAR", "apr", "may", "june", "jul", "aug", "sept", "oct", "nov", "dec"]
FIELDS = [(0, 59, []), (0, 23, []), (1, 31, []), (1, 12, MONTHS), (0, 6, WEEKDAYS)]  # as in a crontab's text
CASES = 10_000


def microseconds(moment):
    return (moment - EPOCH) // dt.timedelta(microseconds=1)


def lovage_next(questions):
    """What schedule_tool says to pairs of (moment, text): a moment, or a text that is no moment."""
    lines = "".join(f"{microseconds(after)} {text}\n" for after, text in questions)
    done = subprocess.run([TOOL], input=lines, capture_output=True, encoding="utf-8", check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(questions), done.stderr
    return [EPOCH + dt.timedelta(microseconds=int(a)) if a.lstrip("-").isdigit() else a for a in answers]


class Expressions:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def number(self, field):
        low, high, names = FIELDS[field]
        n = self.random.randint(low, high)
        if names and self.random.random() < 0.4:
            return names[n - low]
        return f"{n:02}" if self.random.random() < 0.1 else str(n)

    def part(self, field):
        low, high, _ = FIELDS[field]
        kind = self.random.choice(["one", "one", "range", "step", "range step"])
        if kind == "one":
            return self.number(field)
        step = self.random.randint(1, max(2, (high - low) // 2))
        if kind == "step":
            return f"*/{step}"
        span = f"{self.number(field)}-{self.number(field)}"
        return span if kind == "range" else f"{span}/{step}"

    def field(self, field, star):
        if self.random.random() < star:
            return "*"
        return ",".join(self.part(field) for _ in range(self.random.choice([1, 1, 1, 2, 3])))

    def expression(self):
        return [self.field(0, 0.2), self.field(1, 0.4), self.field(2, 0.6), self.field(3, 0.6), self.field(4, 0.5)]

    def moment(self):
        at = dt.datetime(2024, 1, 1, tzinfo=UTC) + dt.timedelta(minutes=self.random.randrange(6 * 366 * 1440))
        return at + dt.timedelta(seconds=self.random.choice([0, 0, 1, 30, 59]))


def clock_changes(zone, a, b):
    """Whether the zone's clocks change between a day before a and a day after b."""
    day = dt.timedelta(days=1)
    at, offsets = a - day, set()
    while at <= b + day:
        offsets.add(at.astimezone(zone).utcoffset())
        at += day
    return len(offsets) > 1


class CrontabTest(unittest.TestCase):
    def setUp(self):
        self.apps = {}
        for zone in ZONES:
            self.apps[zone] = Celery("peer", set_as_current=False)
            self.apps[zone].conf.timezone = zone

    def celery_crontab(self, fields, zone, now):
        minute, hour, day_of_month, month_of_year, day_of_week = fields
        return schedules.crontab(minute, hour, day_of_week, day_of_month, month_of_year, app=self.apps[zone],
                                 nowfun=lambda: now)

    def test_random_expressions_are_due_when_celery_says(self):
        made = Expressions(2026)
        questions, theirs, never, skipped = [], [], 0, 0
        while len(theirs) < CASES:
            fields, zone = made.expression(), made.random.choice(ZONES)
            last = made.moment().astimezone(zoneinfo.ZoneInfo(zone))
            text = " ".join(fields) + ("" if zone == "UTC" else " " + zone)
            try:
                due = (last + self.celery_crontab(fields, zone, last).remaining_estimate(last)).astimezone(UTC)
            except (RuntimeError, ValueError) as e:  # dates that never come: it finds some when it reads, gives up on others
                self.assertRegex(str(e), "never occurs|unable to rollover")
                self.assertIn("no such day", lovage_next([(last.astimezone(UTC), text)])[0])
                never += 1
                continue
            if zone != "UTC" and clock_changes(zoneinfo.ZoneInfo(zone), last, min(due, last + dt.timedelta(days=400))):
                skipped += 1
                continue
            questions.append((last.astimezone(UTC), text))
            theirs.append(due)
        for (last, text), their, our in zip(questions, theirs, lovage_next(questions)):
            with self.subTest(text=text, last=last):
                self.assertEqual(our, their)
        print(f"{len(theirs)} expressions agree; {never} never come, {skipped} meet a change of clocks")

    def test_is_due_of_the_same_day_is_as_celery_says(self):
        made = Expressions(1969)
        questions, theirs = [], []
        while len(theirs) < 2_000:
            fields = made.expression()[:2] + ["*", "*", "*"]
            last = made.moment()
            end = last.replace(hour=23, minute=59, second=59)
            now = last + dt.timedelta(seconds=made.random.randint(0, (end - last).seconds))
            due, seconds = self.celery_crontab(fields, "UTC", now).is_due(last)
            questions.append((last, now, " ".join(fields)))
            theirs.append((due, now + dt.timedelta(seconds=seconds)))
        after_last = lovage_next([(last, text) for last, _, text in questions])
        after_now = lovage_next([(now, text) for _, now, text in questions])
        for (last, now, text), their, first, later in zip(questions, theirs, after_last, after_now):
            with self.subTest(text=text, last=last, now=now):
                self.assertEqual((first <= now, later if first <= now else first), their)

    def test_what_celery_refuses_is_refused(self):
        for fields in [["60", "*", "*", "*", "*"], ["*", "24", "*", "*", "*"], ["*", "*", "0", "*", "*"],
                       ["*", "*", "32", "*", "*"], ["*", "*", "*", "13", "*"], ["*", "*", "*", "*", "8"],
                       ["-1", "*", "*", "*", "*"], ["5/2", "*", "*", "*", "*"], ["*/0", "*", "*", "*", "*"],
                       ["*/", "*", "*", "*", "*"], ["1,,2", "*", "*", "*", "*"], ["x", "*", "*", "*", "*"],
                       ["1-", "*", "*", "*", "*"], ["*", "*", "*", "foo", "*"], ["*/x", "*", "*", "*", "*"]]:
            with self.subTest(fields=fields):
                with self.assertRaises((ValueError, schedules.ParseException)):
                    self.celery_crontab(fields, "UTC", EPOCH)
                self.assertTrue(str(lovage_next([(EPOCH, " ".join(fields))])[0]).startswith("error: "))


class SolarTest(unittest.TestCase):
    PLACES = {"Berlin": (52.52, 13.405), "Quito": (-0.18, -78.47), "Sydney": (-33.87, 151.21), "Troms": (69.65, 18.96),
              "Suva": (-18.14, 178.44), "Anchorage": (61.22, -149.9), "McMurdo": (-77.85, 166.67)}

    def celery_next(self, solar, after):
        """celery.schedules.solar's own search; on a day without the event it looks again after the next midnight."""
        start = after
        while True:
            solar.cal.date = start
            try:
                extra = {"use_center": True} if solar.use_center else {}
                found = getattr(solar.cal, solar.method)(ephem.Sun(), start=start, **extra)
                return found.datetime().replace(tzinfo=UTC)
            except ephem.CircumpolarError:
                start = ephem.Date(solar.cal.next_antitransit(ephem.Sun()) + ephem.minute)

    def test_events_of_a_year_come_within_twenty_seconds_of_celerys(self):
        app = Celery("peer", set_as_current=False)
        questions, theirs = [], []
        for latitude, longitude in self.PLACES.values():
            for event in sorted(schedules.solar._all_events):
                solar = schedules.solar(event, latitude, longitude, app=app)
                for day in range(0, 365, 23):
                    after = dt.datetime(2026, 1, 1, 3, tzinfo=UTC) + dt.timedelta(days=day)
                    questions.append((after, f"solar {event} {latitude} {longitude}"))
                    theirs.append(self.celery_next(solar, after.replace(tzinfo=None)))
        worst, other_days = 0, []
        for (after, text), their, our in zip(questions, theirs, lovage_next(questions)):
            distance = abs((our - their).total_seconds())
            if distance > 6 * 3600:
                other_days.append((text, after, their, our))
                continue
            worst = max(worst, distance)
            with self.subTest(text=text, after=after, their=their, our=our):
                self.assertLess(distance, 20)
        print(f"{len(theirs)} events of the sun, at most {worst:.0f} s apart, {len(other_days)} on other days")
        for other in other_days:
            print(other)
        self.assertEqual(other_days, [])


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    warnings.simplefilter("ignore")
    unittest.main(verbosity=1)
