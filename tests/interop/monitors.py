#!/usr/bin/env python3
"""A lovage worker as Python's monitors see it, beside a Python worker, on RabbitMQ and on Redis.

usage: monitors.py BUILD_DIR [--only rabbitmq|redis] [--keep]

Runs in an environment with Celery and Flower (tests/support/python_env.sh DIR monitors). Both workers hear and greet each
other (gossip, mingle) and run the same tasks; what Celery's receiver, `celery events --dump` and Flower are told of the
one is compared with what they are told of the other, field by field.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import servers  # noqa: E402
import tasks  # noqa: E402
from celery import chord  # noqa: E402
from peers import HERE, Worker, as_options, quiet_environment  # noqa: E402

PYTHON, LOVAGE = "w1@python", "w1@lovage"
# What one side may say that the other does not, by type; each has its reason.
ONLY_PYTHON: dict[str, set[str]] = {}
ONLY_LOVAGE: dict[str, set[str]] = {"task-received": {"queue"}}  # the dashboard would have to guess it


class TellingPythonWorker(Worker):
    kind = "python"

    def __init__(self, log: Path, settings: dict) -> None:
        command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", "prefork", "-c", "2", "-Q", "python",
                   "-l", "info", "-n", PYTHON, "-E"]  # fmt: skip
        path = os.pathsep.join([str(HERE), str(HERE.parent / "support")])
        super().__init__(log, command, {"INTEROP_SETTINGS": json.dumps(settings), "PYTHONPATH": path,
                                        "PYTHONDONTWRITEBYTECODE": "1"})  # fmt: skip


class TellingLovageWorker(Worker):
    kind = "lovage"

    def __init__(self, log: Path, build: Path, settings: dict) -> None:
        command = [str(build / "bin/lovage"), "worker", "-A", str(build / "lib/libinterop_tasks.so"), "-P", "prefork",
                   "-c", "2", "-Q", "lovage", "-l", "info", "-n", LOVAGE, "-E", "--", *as_options(settings)]  # fmt: skip
        super().__init__(log, command, {})


class Receiver:
    """Celery's own, in a thread; keeps whole events."""

    def __init__(self, app) -> None:
        self.events: list[dict] = []
        self.app, self.receiver = app, None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        with self.app.connection_for_read() as connection:
            self.receiver = self.app.events.Receiver(connection, handlers={"*": self.events.append})
            self.receiver.capture(limit=None, timeout=None, wakeup=False)

    def wait_open(self) -> None:
        """Until something that is sent is heard."""

        def heard() -> bool:
            with self.app.events.default_dispatcher(hostname="test@python") as dispatcher:
                dispatcher.send("worker-test")
            return bool(self.of("test@python", "worker-test"))

        servers.wait_until(heard, 30, "an event heard", 0.2)

    def of(self, node: str, kind: str) -> list[dict]:
        return [e for e in list(self.events) if e["hostname"] == node and e["type"] == kind]

    def wait(self, node: str, kind: str, count: int = 1) -> list[dict]:
        servers.wait_until(lambda: len(self.of(node, kind)) >= count, 20, f"{count} {kind} of {node}")
        return self.of(node, kind)

    def close(self) -> None:
        if self.receiver is not None:
            self.receiver.should_stop = True
        self.thread.join(10)


class Checks:
    def __init__(self) -> None:
        self.done, self.failed = 0, []

    def that(self, holds: bool, what: str) -> None:
        self.done += 1
        if not holds:
            self.failed.append(what)
            print(f"      {what}", flush=True)

    def equal(self, got, wanted, what: str) -> None:
        self.that(got == wanted, f"{what}: {got!r}, wanted {wanted!r}")


def run_checks(doc: str, name: str, run: Callable[[Path, Path, Checks], None]) -> int:
    """The program of a test: BUILD_DIR [--keep]. `run` is given the build, a folder for logs and the checks to make."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix=f"lovage-{name}."))
    print(f"  logs in {work}", flush=True)
    check = Checks()
    run(options.build.resolve(), work, check)
    print(f"  {check.done} checks, {len(check.failed)} failed", flush=True)
    if check.done > 0 and not check.failed:
        if not options.keep:
            shutil.rmtree(work)
        return 0
    return 1


def kinds(event: dict) -> dict[str, str]:
    """Fields and their types; a null says nothing of its type. Celery writes whole hours as float from 5.7 on."""
    of = {k: type(v).__name__ for k, v in event.items() if v is not None and k != "local_received"}
    return {**of, "utcoffset": "float"}


def same_fields(check: Checks, theirs: dict, ours: dict) -> None:
    kind = ours["type"]
    extra = set(ours) - set(theirs) - ONLY_LOVAGE.get(kind, set())
    missing = set(theirs) - set(ours) - ONLY_PYTHON.get(kind, set())
    check.equal((extra, missing), (set(), set()), f"fields of {kind}")
    a, b = kinds(theirs), kinds(ours)
    for key in set(a) & set(b):
        check.equal(b[key], a[key], f"type of {kind}.{key}")


def run_tasks(app) -> None:
    for queue in ("python", "lovage"):
        app.send_task("interop.add", (2, 3), queue=queue).get(timeout=20)
        with contextlib.suppress(ValueError):
            app.send_task("interop.fail", ("value", "no"), queue=queue).get(timeout=20)
        app.send_task("interop.add", (2, 3), queue=queue, expires=-10)


def compare_events(check: Checks, app, heard: Receiver) -> None:
    for node in (PYTHON, LOVAGE):
        heard.wait(node, "worker-heartbeat")
    run_tasks(app)
    for kind, count in (("worker-heartbeat", 2), ("task-received", 2), ("task-started", 2), ("task-succeeded", 1),
                        ("task-failed", 1), ("task-revoked", 1)):  # fmt: skip
        theirs, ours = heard.wait(PYTHON, kind, count), heard.wait(LOVAGE, kind, count)
        same_fields(check, theirs[0], ours[0])
    for kind, keys in (("task-received", ("name", "args", "kwargs", "retries")), ("task-succeeded", ("result",)),
                       ("task-failed", ("exception",)), ("task-revoked", ("expired", "terminated", "signum"))):  # fmt: skip
        for key in keys:
            check.equal(heard.of(LOVAGE, kind)[0][key], heard.of(PYTHON, kind)[0][key], f"{kind}.{key}")
    beat = heard.of(LOVAGE, "worker-heartbeat")[-1]
    check.equal((beat["freq"], beat["sw_ident"]), (2.0, "lovage"), "heartbeat")
    clocks = [e["clock"] for e in list(heard.events) if e["hostname"] == LOVAGE]
    check.that(len(set(clocks)) == len(clocks), "a clock never stands still")


def flower_of(url: str, port: int, work: Path):
    log = (work / "flower.log").open("wb")
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "--broker", url, "flower", "--address=127.0.0.1", f"--port={port}"],
        cwd=work, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=servers.die_with_parent,
        env={**quiet_environment(), "FLOWER_UNAUTHENTICATED_API": "true", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def compare_in_flower(check: Checks, app, url: str, work: Path) -> None:
    port = servers.free_port()
    flower = flower_of(url, port, work)

    def page(path: str) -> str:
        with contextlib.suppress(OSError):
            return get(port, path)
        return ""

    def seen(node: str) -> bool:
        return f'flower_worker_online{{worker="{node}"}} 1.0' in page("/metrics")

    try:
        servers.wait_until(lambda: seen(PYTHON) and seen(LOVAGE), 60, f"both workers in Flower, see {work}", 0.3)
        run_tasks(app)

        def counted(node: str) -> set[tuple[str, str]]:
            found = re.findall(r'flower_events_total\{task="([^"]*)",type="(task-[^"]*)",worker="([^"]*)"\}', page("/metrics"))
            return {(task, kind) for task, kind, worker in found if worker == node}

        # A worker's events arrive in the order of its tasks: once these have ended there, nothing is missing before them.
        for queue in ("python", "lovage"):
            app.send_task("interop.echo", ("all told",), queue=queue)
        last = ("interop.echo", "task-succeeded")
        servers.wait_until(lambda: last in counted(PYTHON) & counted(LOVAGE), 20, "the last events in Flower", 0.3)
        check.equal(counted(LOVAGE), counted(PYTHON), "events that Flower counts")
        listed = json.loads(page("/api/tasks") or "{}")
        for worker in (PYTHON, LOVAGE):
            states = sorted({t["state"] for t in listed.values() if (t.get("worker") or "") == worker})
            check.equal(states, ["FAILURE", "REVOKED", "SUCCESS"], f"states of {worker} in Flower")
        text = (work / "flower.log").read_text(errors="replace")
        check.that("Traceback" not in text, "Flower's log is clean")
    finally:
        flower.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            flower.wait(10)
        flower.kill()
        flower.wait()


def compare_dumps(check: Checks, app, build: Path, settings: dict, work: Path) -> None:
    """`celery events --dump` and `lovage events --dump` write the same lines of the same events."""
    out = {name: work / f"dump-{name}.txt" for name in ("celery", "lovage")}
    commands = {
        "celery": [sys.executable, "-m", "celery", "--broker", settings["broker_url"], "events", "--dump"],
        "lovage": [str(build / "bin/lovage"), "events", "--dump", "-b", settings["broker_url"]],
    }
    with contextlib.ExitStack() as stack:
        for name, command in commands.items():
            file = stack.enter_context(out[name].open("wb"))
            p = subprocess.Popen(command, cwd=work, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                 env={**quiet_environment(), "PYTHONUNBUFFERED": "1"}, preexec_fn=servers.die_with_parent)  # fmt: skip
            stack.callback(p.wait)
            stack.callback(p.kill)
        for name in commands:
            servers.wait_until(lambda n=name: "heartbeat" in out[n].read_text(errors="replace"), 30, f"{name} events")
        run_tasks(app)
        for name in commands:
            servers.wait_until(lambda n=name: out[n].read_text(errors="replace").count("task revoked") >= 2, 20,
                               f"the tasks in {name} events --dump")  # fmt: skip

    def lines(name: str) -> set[str]:
        text = re.sub(r"local_received=[0-9.]+", "local_received=", out[name].read_text(errors="replace"))
        text = re.sub(r"utcoffset=(-?[0-9]+)\.0\b", r"utcoffset=\1", text)
        return {line for line in text.splitlines() if " task " in line and "Traceback" not in line and " failed" not in line}

    check.equal(lines("lovage") - lines("celery"), set(), "lines that only lovage writes")
    check.equal(lines("celery") - lines("lovage"), set(), "lines that only celery writes")


def clean_log(check: Checks, worker: Worker) -> None:
    lines = worker.log.read_text(errors="replace").splitlines()
    of_task = [line for line in lines if "interop.fail" in line and "ERROR" in line]
    bad = [line for line in lines if re.search(r"WARNING|ERROR|CRITICAL|Substantial drift", line)]
    bad = [line for line in bad if line not in of_task and "warm shutdown" not in line]
    check.equal(bad, [], f"warnings of the {worker.kind} worker")
    traces = sum(line.startswith("Traceback") for line in lines)
    check.that(traces <= len(of_task), f"{traces} tracebacks of the {worker.kind} worker, {len(of_task)} of them the task's")
    other = LOVAGE if worker.kind == "python" else PYTHON
    joined = [line for line in lines if other in line and "joined the party" in line]
    check.that(worker.kind == "python" or bool(joined), "the lovage worker noticed the other")


def compare_workflow_fields(check: Checks, app, heard: Receiver) -> None:
    """Celery's own picture of the cluster keeps what it does not know."""
    app.set_current()
    sent = chord([app.signature("interop.add", args=(n, n), options={"queue": "lovage"}) for n in range(2)],
                 app.signature("interop.total", options={"queue": "lovage"}))()  # fmt: skip
    sent.get(timeout=20)
    state = app.events.State()
    members = {r.id for r in sent.parent.results}

    def told() -> list[dict]:
        return [e for e in heard.of(LOVAGE, "task-received") if e["uuid"] in members]

    servers.wait_until(lambda: len(told()) == 2, 20, "both members to be received")
    for event in told():
        state.event(dict(event))
    for member in members:
        task = state.tasks[member]
        check.equal((task.name, task.state, task.queue, task.group_id, task.chord),
                    ("interop.add", "RECEIVED", "lovage", sent.parent.id, sent.id), "a member of a chord")  # fmt: skip


def try_broker(broker: str, url: str, results: str, build: Path, work: Path) -> Checks:
    check = Checks()
    settings = {"broker_url": url, "result_backend": results, "accept_content": ["json"]}
    app = tasks.make_app(settings)
    heard = Receiver(app)
    heard.wait_open()
    workers: list[Worker] = []
    try:
        workers.append(TellingLovageWorker(work / f"{broker}-lovage.log", build, settings))
        workers[0].wait_ready()
        workers.append(TellingPythonWorker(work / f"{broker}-python.log", settings))
        workers[1].wait_ready()
        compare_events(check, app, heard)
        compare_workflow_fields(check, app, heard)
        compare_dumps(check, app, build, settings, work)
        compare_in_flower(check, app, url, work)
        for worker in workers:
            check.that((problem := worker.stop()) is None, str(problem))
        for node in (PYTHON, LOVAGE):
            heard.wait(node, "worker-offline")
        same_fields(check, heard.of(PYTHON, "worker-online")[0], heard.of(LOVAGE, "worker-online")[0])
        same_fields(check, heard.of(PYTHON, "worker-offline")[0], heard.of(LOVAGE, "worker-offline")[0])
        for worker in workers:
            clean_log(check, worker)
    finally:
        for worker in workers:
            worker.stop()
        heard.close()
    return check


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--only", choices=["rabbitmq", "redis"])
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="lovage-monitors."))
    print(f"  logs in {work}", flush=True)
    failed = 0
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(servers.redis())
        urls = {"redis": lambda: redis.url(0), "rabbitmq": lambda: stack.enter_context(servers.rabbitmq()).url()}
        for broker, url in urls.items():
            if options.only in (None, broker):
                began = time.monotonic()
                check = try_broker(broker, url(), redis.url(1), options.build.resolve(), work)
                failed += len(check.failed)
                print(f"  {broker:<10} {check.done:>4} checks, {len(check.failed)} failed {time.monotonic() - began:6.1f} s",
                      flush=True)  # fmt: skip
    if not options.keep and not failed:
        shutil.rmtree(work)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
