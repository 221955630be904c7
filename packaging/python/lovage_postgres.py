"""Sends tasks inside the transaction that a program is in: a task exists if and only if what the program wrote does.

The database is the broker of lovage's workers (`broker_url = "postgresql://..."`); nothing else is needed here, neither
Celery nor lovage. With Django, over its own connection:

    from django.db import transaction
    from lovage_postgres import enqueue

    with transaction.atomic():
        order.save()
        enqueue("shop.ship", [order.pk], queue="cpp", countdown=60)

With any other program, over the connection that it uses (psycopg2, psycopg):

    with connection:
        connection.cursor().execute("INSERT INTO orders ...")
        enqueue("shop.ship", [17], connection=connection)

One file, to be copied or installed (`pip install packaging/python`). The role needs what the guide says: USAGE on the
schema lovage and its sequence, SELECT and INSERT on its tables `queue`, `message` and `delayed`.
"""

import datetime
import json

__all__ = ["enqueue"]

_STATEMENT = (
    "SELECT lovage.enqueue(task => %s, args => %s::jsonb, kwargs => %s::jsonb, queue => %s, eta => %s, countdown => %s,"
    " expires => %s, priority => %s, task_id => %s, headers => %s::jsonb, ignore_result => %s)"
)


def _json(value, what):
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as why:
        raise TypeError(f"{what} of a task are JSON: {why}") from None


def _moment(value, what):
    """A datetime, or seconds from now; a naive datetime is UTC, as it is to Celery."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=value)
    if isinstance(value, datetime.datetime):
        return value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
    raise TypeError(f"{what} is a datetime or a number of seconds, not {type(value).__name__}")


def enqueue(task, args=(), kwargs=None, *, queue="celery", eta=None, countdown=None, expires=None, priority=0,
            task_id=None, headers=None, ignore_result=False, using="default", connection=None):
    """Sends the task of this name and returns its id, with which `AsyncResult` finds the result.

    It is sent with the commit of the transaction that the connection is in, at once where it is in none. `connection` is
    one of the program's own; without it, Django's connection `using`. `expires`: a datetime, or seconds from now.
    """
    if not isinstance(args, (list, tuple)):
        raise TypeError(f"args of a task are a list or a tuple, not {type(args).__name__}")
    if connection is None:
        from django.db import connections

        connection = connections[using]
    values = [task, _json(list(args), "args"), _json(kwargs or {}, "kwargs"), queue, _moment(eta, "eta"), countdown,
              _moment(expires, "expires"), priority, task_id, _json(headers or {}, "headers"), ignore_result]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, values)
        return cursor.fetchone()[0]
