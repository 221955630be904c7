#!/usr/bin/env python3
"""Flower's API: a real Flower and `lovage web` before the same workers, their answers compared field by field.

usage: flower_api.py BUILD_DIR [--keep]

Runs in an environment with Celery and Flower (tests/support/python_env.sh DIR monitors), on one Redis with a stock
Celery worker and a lovage worker. What differs on purpose stands in DIFFERENT, each with its reason; the guide
(docs/guide/dashboard.md) tells the same.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import servers  # noqa: E402
import tasks  # noqa: E402
from monitors import LOVAGE, PYTHON, Checks, TellingLovageWorker, TellingPythonWorker, run_checks  # noqa: E402
from peers import quiet_environment  # noqa: E402

# Members of a task whose values differ, and why.
DIFFERENT = {
    "clock": "each monitor takes the clock of another event for the task's: Flower's last, ours the newest",
    "timestamp": "Flower has the time of the last event that came, ours of the event that made the state",
    "children": "Flower's order is that of a Python set",
    "root": "Flower has it only while the root is in its memory; ours as the event told",
    "parent": "the same",
    "client": "Flower has it of the sender's event, where senders send those; the order of arrival decides",
    "sent": "the same",
}


class Answer:
    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text

    def json(self):
        return json.loads(self.text)


class Api:
    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, body=None, form=None) -> Answer:
        data, headers = None, {}
        if body is not None:
            data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        if form is not None:
            data = urllib.parse.urlencode(form).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if method == "POST" and data is None:
            data = b""
        request = urllib.request.Request(self.base + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as e:
            return Answer(e.code, e.read().decode())

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, body=None, form=None) -> Answer:
        return self.ask("POST", path, body, form)


@contextlib.contextmanager
def program(name: str, command: list[str], work: Path, environment: dict[str, str]):
    with (work / f"{name}.log").open("wb") as log:
        p = subprocess.Popen(command, cwd=work, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                             preexec_fn=servers.die_with_parent,
                             env={**quiet_environment(), "PYTHONDONTWRITEBYTECODE": "1", **environment})  # fmt: skip
        try:
            yield p
        finally:
            p.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                p.wait(10)
            p.kill()
            p.wait()


def default_app(work: Path, settings: dict) -> None:
    """Flower asks Celery's default app for results."""
    (work / "celeryconfig.py").write_text("".join(f"{name} = {text!r}\n" for name, text in settings.items()))


def flower_command(port: int) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "tasks", "flower", "--address=127.0.0.1", f"--port={port}"]


def web_command(build: Path, port: int, settings: dict, work: Path) -> list[str]:
    return [str(build / "bin/lovage"), "web", "-b", settings["broker_url"], "--result-backend", settings["result_backend"],
            "--port", str(port), "--history", str(work / "history.db"), "-l", "info"]  # fmt: skip


def run_tasks(app) -> dict[str, str]:
    """Ids of tasks whose fate is known, by a word."""
    out = {}
    for queue in ("python", "lovage"):
        added = app.send_task("interop.add", (2, 3), queue=queue)
        named = app.send_task("interop.join", ("-", ["a", "b"]), {"upper": True}, queue=queue)
        failed = app.send_task("interop.fail", ("value", "no <b>such</b>"), queue=queue)
        expired = app.send_task("interop.add", (2, 3), queue=queue, expires=-10)
        for result in (added, named, failed):
            with contextlib.suppress(ValueError):
                result.get(timeout=20)
        out |= {f"{queue} added": added.id, f"{queue} named": named.id, f"{queue} failed": failed.id,
                f"{queue} expired": expired.id}  # fmt: skip
    return out


def settled(api: Api, ids: dict[str, str]) -> bool:
    states = {"added": "SUCCESS", "named": "SUCCESS", "failed": "FAILURE", "expired": "REVOKED"}
    listed = api.get("/api/tasks").json()
    return all(listed.get(i, {}).get("state") == states[word.split()[1]] for word, i in ids.items())


def same_task(check: Checks, what: str, theirs: dict, ours: dict) -> None:
    check.equal(sorted(ours), sorted(theirs), f"members of {what}")
    for key in sorted(set(theirs) & set(ours)):
        a, b = theirs[key], ours[key]
        if key in DIFFERENT:
            check.that(a is None or b is None or isinstance(b, type(a)) or {type(a), type(b)} <= {int, float},
                       f"type of {what}.{key}: {b!r}, wanted {a!r}")  # fmt: skip
        elif isinstance(a, float) and isinstance(b, (int, float)):
            check.that(abs(a - b) < 0.001, f"{what}.{key}: {b!r}, wanted {a!r}")
        else:
            check.equal(b, a, f"{what}.{key}")


def compare_tasks(check: Checks, flower: Api, ours: Api, ids: dict[str, str]) -> None:
    theirs, mine = flower.get("/api/tasks").json(), ours.get("/api/tasks").json()
    check.equal(sorted(mine), sorted(theirs), "ids of /api/tasks")
    for word, i in ids.items():
        same_task(check, f"{word} in /api/tasks", theirs[i], mine[i])
        a, b = (api.get(f"/api/task/info/{i}") for api in (flower, ours))
        check.equal(b.status, a.status, f"status of info of {word}")
        same_task(check, f"info of {word}", a.json(), b.json())
    queries = ["state=FAILURE", "taskname=interop.add", "limit=3", "limit=2&offset=1", f"workername={PYTHON}",
               "sort_by=name", "sort_by=-received", "received_start=2001-01-01 00:00", "received_end=2001-01-01 00:00",
               "state=All&taskname=All", "limit=2&sort_by=-started"]  # fmt: skip
    for query in queries:
        path = "/api/tasks?" + query.replace(" ", "%20")
        a, b = flower.get(path), ours.get(path)
        check.equal(b.status, a.status, f"status of {path}")
        if "limit" in query and "sort_by" not in query:  # which come first is the order of arrival
            check.equal(len(b.json()), len(a.json()), f"how many of {path}")
        elif "received_end" in query:  # Flower has those too that were never received
            received = [i for i, t in a.json().items() if t["received"]]
            check.equal(sorted(b.json()), sorted(received), f"ids of {path}")
        else:
            check.equal(sorted(b.json()), sorted(a.json()), f"ids of {path}")
    names = [api.get("/api/task/types").json() for api in (flower, ours)]
    check.equal(sorted(names[1]["task-types"]), sorted(names[0]["task-types"]), "/api/task/types")
    check.equal(list(names[1]), list(names[0]), "members of /api/task/types")


def same_shape(check: Checks, what: str, theirs, ours) -> None:
    """The same members, and the same kinds of values, all the way down."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        check.equal(sorted(ours), sorted(theirs), f"members of {what}")
        for key in set(theirs) & set(ours):
            same_shape(check, f"{what}.{key}", theirs[key], ours[key])
    elif theirs is not None and ours is not None:
        kinds = {type(theirs), type(ours)}
        check.that(len(kinds) == 1 or kinds <= {int, float}, f"kind of {what}: {ours!r}, wanted {theirs!r}")


def compare_workers(check: Checks, flower: Api, ours: Api) -> None:
    theirs, mine = (api.get("/api/workers?refresh=true").json() for api in (flower, ours))
    check.equal(sorted(mine), sorted(theirs), "/api/workers")
    for name in (PYTHON, LOVAGE):
        a, b = theirs[name], mine[name]
        # What its tasks are: up to 2.0 Flower tells it of all workers, then only of one that is asked for.
        tasks = {"active", "reserved", "scheduled", "revoked"}
        check.equal(sorted(set(b) - tasks), sorted(set(a) - tasks), f"members of {name}")
        for key in ("active_queues", "registered", "conf"):
            check.equal(b.get(key), a.get(key), f"{name}.{key}")
        one = [api.get(f"/api/workers?refresh=true&workername={name}").json()[name] for api in (flower, ours)]
        check.equal(sorted(one[1]), sorted(one[0]), f"members of {name} alone")
        for key in ("stats", "timestamp", *tasks):
            same_shape(check, f"{name}.{key}", one[0].get(key), one[1].get(key))
    for path in (f"/api/workers?workername={PYTHON}", "/api/workers?status=true", "/api/workers?workername=nobody@x"):
        a, b = flower.get(path), ours.get(path)
        check.equal(b.status, a.status, f"status of {path}")
        if a.status == 200:
            check.equal(sorted(b.json()), sorted(a.json()), path)
    check.equal(*(api.get("/api/workers?status=true").json() for api in (ours, flower)), "status of workers")
    servers.wait_until(lambda: len(ours.get("/api/queues/length").json()["active_queues"]) > 1, 20, "queues of workers", 0.3)
    check.equal(*(sorted((q["name"], q["messages"]) for q in api.get("/api/queues/length").json()["active_queues"])
                  for api in (ours, flower)), "/api/queues/length")  # fmt: skip
    for path in ("/healthcheck", "/metrics"):
        check.equal(ours.get(path).status, flower.get(path).status, path)
    check.equal(ours.get("/healthcheck").text, flower.get("/healthcheck").text, "text of /healthcheck")


def metric_names(api: Api) -> set[str]:
    return {line.split()[2] for line in api.get("/metrics").text.splitlines() if line.startswith("# TYPE flower_")}


def compare_sending(check: Checks, flower: Api, ours: Api) -> None:
    call = {"args": [4, 5], "queue": "lovage"}
    for path in ("/api/task/apply/interop.add", "/api/task/async-apply/interop.add", "/api/task/send-task/interop.add"):
        a, b = (api.post(path, call) for api in (flower, ours))
        check.equal(b.status, a.status, f"status of {path}")
        check.equal(sorted(b.json()), sorted(a.json()), f"members of {path}")
        if "/apply" in path:
            check.equal((b.json()["result"], b.json()["state"]), (9, "SUCCESS"), f"what {path} gives")
        i = b.json()["task-id"]
        a, b = (api.get(f"/api/task/result/{i}?timeout=20") for api in (flower, ours))
        check.equal((b.status, b.json()["result"]), (a.status, a.json()["result"]), f"result of {path}")
    fails = {"args": ["value", "no"], "queue": "python"}
    a, b = (api.post("/api/task/apply/interop.fail", fails).json() for api in (flower, ours))
    check.equal((sorted(b), b["result"], b["state"]), (sorted(a), a["result"], a["state"]), "a task that fails")
    for path, body in (("/api/task/apply/no.such.task", call), ("/api/task/async-apply/no.such.task", call),
                       ("/api/task/async-apply/interop.add", {"args": "no list"}), ("/api/task/info/no-such-id", None)):  # fmt: skip
        method = "GET" if body is None else "POST"
        a, b = (api.ask(method, path, body) for api in (flower, ours))
        check.equal(b.status, a.status, f"status of {path} {body}")
    later = [api.post("/api/task/async-apply/interop.add", {**call, "countdown": 300}).json()["task-id"] for api in (flower, ours)]
    for api, i in ((flower, later[1]), (ours, later[0])):
        a = api.get(f"/api/task/result/{i}")
        check.equal((a.status, a.json()), (200, {"task-id": i, "state": "PENDING"}), "a result that is not there yet")
    for verb in ("revoke", "abort"):
        a, b = (api.post(f"/api/task/{verb}/{i}") for api, i in zip((flower, ours), later, strict=True))
        check.equal((b.status, b.text.replace(later[1], "ID")), (a.status, a.text.replace(later[0], "ID")), verb)


def order(api: Api, app, worker: str, path: str, form) -> Answer:
    """Given once the worker answers: one of Celery whose pool has just changed is deaf for a while."""
    servers.wait_until(lambda: app.control.ping(destination=[worker], timeout=1), 30, f"an answer of {worker}", 0.1)
    return api.post(path, form=form)


def compare_orders(check: Checks, flower: Api, ours: Api, app, worker: str) -> None:
    orders = [
        (f"/api/worker/pool/grow/{worker}?n=2", None),
        (f"/api/worker/pool/shrink/{worker}?n=2", None),
        (f"/api/worker/pool/grow/{worker}", None),
        (f"/api/worker/pool/shrink/{worker}", None),
        (f"/api/worker/pool/restart/{worker}", None),  # 403: not enabled
        (f"/api/worker/pool/autoscale/{worker}?min=1&max=3", None),  # 403: not enabled
        (f"/api/worker/queue/add-consumer/{worker}?queue=extra", None),
        (f"/api/worker/queue/cancel-consumer/{worker}", {"queue": "extra"}),
        ("/api/task/rate-limit/interop.add", {"workername": worker, "ratelimit": "200/m"}),
        ("/api/task/timeout/interop.add", {"workername": worker, "soft": "30", "hard": "100"}),
        ("/api/task/rate-limit/no.such.task", {"workername": worker, "ratelimit": "200"}),
        ("/api/worker/pool/grow/nobody@nowhere", None),
        (f"/api/worker/queue/add-consumer/{worker}", None),  # no queue is named
        (f"/api/worker/pool/grow/{worker}?n=many", None),
    ]
    for path, form in orders:
        a, b = (order(api, app, worker, path, form) for api in (flower, ours))
        check.equal(b.status, a.status, f"status of {path} {form}, {b.text!r} for {a.text!r}")
        if a.status == 200 and b.status == 200:
            check.equal(b.json(), a.json(), f"{path} {form}")


def compare_metrics(check: Checks, flower: Api, ours: Api) -> None:
    check.equal(metric_names(flower) - metric_names(ours) - {"flower_events_created", "flower_task_runtime_seconds_created"},
                set(), "metrics that only Flower has")  # fmt: skip

    def events(api: Api) -> dict[str, float]:
        lines = (line for line in api.get("/metrics").text.splitlines() if line.startswith("flower_events_total{"))
        out = {}
        for line in lines:
            labels, n = line[len("flower_events_total{") :].rsplit("} ", 1)
            parts = sorted(labels.split('",'))
            if "task-sent" not in labels and 'type="task-' in labels:
                out[",".join(p.strip('"') for p in parts)] = float(n)
        return out

    check.equal(events(ours), events(flower), "flower_events_total")


def compare(check: Checks, flower: Api, ours: Api, app) -> None:
    ids = run_tasks(app)
    for api in (flower, ours):
        servers.wait_until(lambda a=api: settled(a, ids), 20, f"the tasks at {api.base}", 0.3)
    compare_metrics(check, flower, ours)
    compare_tasks(check, flower, ours, ids)
    compare_workers(check, flower, ours)
    compare_sending(check, flower, ours)
    for worker in (PYTHON, LOVAGE):
        compare_orders(check, flower, ours, app, worker)
    for worker in (PYTHON, LOVAGE):
        a = ours.post(f"/api/worker/shutdown/{worker}")
        check.equal((a.status, a.json()), (200, {"message": "Shutting down!"}), "shutdown")


def run(build: Path, work: Path, check: Checks) -> None:
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(servers.redis())
        settings = {"broker_url": redis.url(0), "result_backend": redis.url(1), "accept_content": ["json"]}
        app = tasks.make_app(settings)
        path = os.pathsep.join([str(HERE), str(HERE.parent / "support")])
        python = {"INTEROP_SETTINGS": json.dumps(settings), "PYTHONPATH": path, "FLOWER_UNAUTHENTICATED_API": "true"}
        ports = servers.free_port(), servers.free_port()
        for worker in (TellingLovageWorker(work / "lovage.log", build, settings), TellingPythonWorker(work / "python.log", settings)):
            stack.callback(worker.stop)
            worker.wait_ready()
        default_app(work, settings)
        stack.enter_context(program("flower", flower_command(ports[0]), work, python))
        stack.enter_context(program("web", web_command(build, ports[1], settings, work), work, {}))
        flower, ours = Api(ports[0]), Api(ports[1])

        def ready(api: Api) -> bool:
            with contextlib.suppress(OSError, ValueError):
                return api.get("/api/workers?status=true").json() == {PYTHON: True, LOVAGE: True}
            return False

        for api in (flower, ours):
            servers.wait_until(lambda a=api: ready(a), 60, f"both workers at {api.base}", 0.3)
        compare(check, flower, ours, app)
        log = (work / "web.log").read_text(errors="replace")
        check.that("CRITICAL" not in log and "ERROR" not in log, "the log of lovage web is clean")


if __name__ == "__main__":
    sys.exit(run_checks(__doc__, "flower", run))
