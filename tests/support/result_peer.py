"""Lovage's result backends as a test in Python drives them, and what Celery's are given beside them."""

import json
import subprocess
import uuid

from celery.app.task import Context


class OutOfStock(Exception):
    """Of the application's own."""


class Lovage:
    """result_tool, one command at a time."""

    def __init__(self, tool, url, **more):
        settings = {"url": url, "serializer": "json", **more}
        self.process = subprocess.Popen([tool, json.dumps(settings)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, command, text=""):
        self.process.stdin.write(f"{command} {text}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, command, what=""):
        answer = self.say(command, what if isinstance(what, str) else json.dumps(what))
        assert answer and not answer.startswith("error: "), answer or "it ended"
        return answer if answer == "ok" else json.loads(answer)

    def store(self, **record):
        record = {"task_id": str(uuid.uuid4()), "traceback": None, "children": [], "date_done": None, **record}
        self.ask("store", record)
        return record["task_id"]

    def fetch(self, task):
        return self.ask("fetch", task)

    def wait(self, task):
        return self.ask("wait", task)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def failure(kind, arguments, module="builtins"):
    return {"exc_type": kind, "exc_message": arguments, "exc_module": module}


def request_of(task_id, **more):
    """What a worker knows of a task when it stores its result."""
    return Context({"id": task_id, "task": "shop.add", "args": [1, "two"], "kwargs": {"k": None}, "argsrepr": "(1, 'two')",
                    "kwargsrepr": "{'k': None}", "hostname": "w1@host", "retries": 2, "children": [],
                    "delivery_info": {"routing_key": "celery"}, **more})  # fmt: skip
