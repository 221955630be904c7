#!/usr/bin/env python3
"""Remote control between real Celery and lovage, on RabbitMQ and on Redis.

usage: remote_control.py BUILD_DIR [--only rabbitmq|redis] [--keep]

Runs in the Python environment whose Celery is to be tried (tests/support/in_python_env.sh). A Python worker and a lovage
worker, each with one task that runs and one that waits behind it, hear the stock `celery inspect|control|status`; what
they answer is compared field by field, keys and types. Then `lovage inspect|control|status` asks the Python worker, and
must show what Celery's own program shows.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import celery  # noqa: E402
import servers  # noqa: E402
from peers import LovageWorker, PythonClient, PythonWorker, quiet_environment  # noqa: E402

PYTHON, LOVAGE = "python-worker@python", "lovage-worker@lovage"
BOTH = ("-d", f"{PYTHON},{LOVAGE}", "-t", "10")  # it ends once both have answered
NOBODY_REPLIED = 69

# Texts that differ as they must; of these the keys and types alone are compared.
INSPECT = ["active", "reserved", "scheduled", "active_queues", "stats", "clock", "ping", "report", "registered", "revoked",
           "memsample", "memdump", "objgraph", "query_task"]  # fmt: skip

# Commands whose answers are the same word for word.
CONTROL = [
    ("rate_limit", ["interop.add", "10/m"]),
    ("rate_limit", ["no.such.task", "10/m"]),
    ("time_limit", ["interop.add", "10", "20"]),
    ("time_limit", ["no.such.task", "10"]),
    ("enable_events", []),
    ("disable_events", []),
    ("heartbeat", []),
    ("revoke", ["no-such-id"]),
    ("terminate", ["TERM", "no-such-id"]),
    ("revoke_by_stamped_headers", ["tenant=none"]),
    ("autoscale", ["4", "1"]),
    ("pool_restart", []),
    ("pool_shrink", ["5"]),
    ("election", ["some-id", "topic", "action"]),
    ("add_consumer", ["interop.extra"]),
    ("cancel_consumer", ["interop.extra"]),
    ("cancel_consumer", ["no.such.queue"]),
]

# What lovage has as newer Celerys do, where 5.2 has it not, or otherwise.
OLD = celery.__version__.startswith("5.2")
NEWER_ALONE = ("pool.implementation is lovage's alone", "broker.credential_provider is lovage's alone") if OLD else ()
NOT_IN_OLD = {"revoke_by_stamped_headers"} if OLD else set()
SAID_OTHERWISE = {"revoke"} if OLD else set()  # of one id it says that alone, and not a set of it


def differences(theirs, ours, where: str = "") -> list[str]:
    """Keys that only one side has, and values of another type. None says nothing of a type."""
    if theirs is None or ours is None:
        return []
    if type(theirs) is not type(ours):
        return [f"{where}: Python says {theirs!r}, lovage {ours!r}"]
    if isinstance(theirs, dict):
        out = [f"{where}.{key} is missing" for key in theirs.keys() - ours.keys()]
        out += [f"{where}.{key} is lovage's alone" for key in ours.keys() - theirs.keys()]
        for key in theirs.keys() & ours.keys():
            out += differences(theirs[key], ours[key], f"{where}.{key}")
        return out
    if isinstance(theirs, list) and theirs and ours:
        return differences(theirs[0], ours[0], f"{where}[0]")
    return []


class Checks:
    def __init__(self, broker: str) -> None:
        self.broker = broker
        self.done = self.failed = 0

    def expect(self, good: bool, what: str) -> bool:
        self.done += 1
        if not good:
            self.failed += 1
            print(f"      {self.broker}: {what}", flush=True)
        return good

    def same_shape(self, command: str, theirs, ours) -> None:
        problems = [p for p in differences(theirs, ours, command) if not p.endswith(NEWER_ALONE)]
        self.expect(not problems, "; ".join(problems))


class Programs:
    """Celery's and lovage's command lines on one broker."""

    def __init__(self, build: Path, settings: dict) -> None:
        self.build, self.settings = build, settings

    def run(self, command: list[str], environment: dict) -> subprocess.CompletedProcess:
        return subprocess.run(command, cwd=HERE, env={**quiet_environment(), **environment}, text=True, timeout=60,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)  # fmt: skip

    def celery(self, *words: str) -> subprocess.CompletedProcess:
        path = os.pathsep.join([str(HERE), str(HERE.parent / "support")])
        environment = {"INTEROP_SETTINGS": json.dumps(self.settings), "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        return self.run([sys.executable, "-m", "celery", "-A", "tasks", *words], environment)

    def lovage(self, *words: str) -> subprocess.CompletedProcess:
        return self.run([str(self.build / "bin/lovage"), "-b", self.settings["broker_url"], *words], {})


def replies(of: subprocess.CompletedProcess) -> dict:
    """What each node said, from the output of --json."""
    try:
        told = json.loads(of.stdout)
    except json.JSONDecodeError:
        return {"": f"exit code {of.returncode}: {of.stdout} {of.stderr}"}
    return {node: said for reply in told for node, said in reply.items()} if isinstance(told, list) else told


class Scene:
    """Both workers, busy, on one broker."""

    def __init__(self, build: Path, work: Path, settings: dict, checks: Checks) -> None:
        self.checks, self.work = checks, work
        self.programs = Programs(build, settings)
        self.lovage = LovageWorker(work / "lovage-worker.log", build, settings, ["to.lovage"], 1, "prefork")
        self.lovage.wait_ready()  # to be there when the other greets it
        self.python = PythonWorker(work / "python-worker.log", settings, ["to.python"], 1, alone=False)
        self.client = PythonClient(settings)
        self.gate = work / "gate"
        self.ids: dict[str, list[str]] = {}

    def begin(self) -> None:
        self.python.wait_ready()
        log = self.python.log.read_text(errors="replace")
        self.checks.expect("mingle: sync with 1 nodes" in log and "mingle: sync complete" in log, f"hello: {log}")
        for queue in ("to.lovage", "to.python"):
            first = self.client.send("interop.hold", [str(self.gate)], queue=queue)
            self.ids[queue] = [first, self.client.send("interop.add", [1, 2], queue=queue)]

        def busy() -> bool:
            answers = [replies(self.programs.celery("inspect", what, "-j", *BOTH)) for what in ("active", "reserved")]
            return all(len(a.get(node, [])) == 1 for a in answers for node in (PYTHON, LOVAGE))

        servers.wait_until(busy, 30, f"a running and a waiting task on both, see {self.work}", 0.2)

    def asked_by_python(self) -> None:
        for command in INSPECT:
            words = [i for pair in self.ids.values() for i in pair] if command == "query_task" else []
            said = replies(self.programs.celery("inspect", "-j", *BOTH, command, *words))
            if self.checks.expect(set(said) == {PYTHON, LOVAGE}, f"inspect {command}: {said}"):
                theirs, ours = said[PYTHON], said[LOVAGE]
                if command == "query_task":  # each knows its own tasks
                    theirs, ours = sorted(theirs.values()), sorted(ours.values())
                    self.checks.expect([s for s, _ in theirs] == [s for s, _ in ours], f"states {theirs} {ours}")
                self.checks.same_shape(f"inspect {command}", theirs, ours)
        self.settings_are_shown()
        self.active_task_is_told()

    def settings_are_shown(self) -> None:
        said = replies(self.programs.celery("inspect", "-j", *BOTH, "conf"))
        theirs, ours = said[PYTHON], said[LOVAGE]
        for key in theirs.keys() & ours.keys():
            self.checks.same_shape(f"conf.{key}", theirs[key], ours[key])
        # Python stars a password that is not there.
        urls = [said[node]["broker_url"].replace(":********@", "") for node in (PYTHON, LOVAGE)]
        self.checks.expect(urls[0] == urls[1] and "guest:guest" not in urls[1], f"{urls}")

    def active_task_is_told(self) -> None:
        said = replies(self.programs.celery("inspect", "-j", *BOTH, "active"))
        theirs, ours = said[PYTHON][0], said[LOVAGE][0]
        for key in ("name", "type", "args", "kwargs"):
            self.checks.expect(theirs[key] == ours[key], f"active.{key}: {theirs[key]!r} {ours[key]!r}")
        came = [{key: t["delivery_info"][key] or "" for key in ("exchange", "redelivered", "priority")}
                for t in (theirs, ours)]
        self.checks.expect(came[0] == came[1], f"active.delivery_info: {came}")
        keys = [t["delivery_info"]["routing_key"] for t in (theirs, ours)]
        self.checks.expect(keys[0].replace("python", "lovage") == keys[1], f"active.delivery_info.routing_key: {keys}")
        self.checks.expect(abs(theirs["time_start"] - ours["time_start"]) < 60, "active.time_start")
        self.checks.expect(ours["id"] == self.ids["to.lovage"][0], "active.id")

    def told_by_python(self) -> None:
        for command, words in CONTROL:
            if command in NOT_IN_OLD:
                continue
            said = replies(self.programs.celery("control", "-j", *BOTH, command, *words))
            name = " ".join(["control", command, *words])
            if not self.checks.expect(set(said) == {PYTHON, LOVAGE}, f"{name}: {said}"):
                continue
            theirs, ours = said[PYTHON], said[LOVAGE]
            if command in SAID_OTHERWISE:
                self.checks.same_shape(name, theirs, ours)
            else:
                self.checks.expect(theirs == ours, f"{name}: Python says {theirs}, lovage {ours}")

    def resized_by_python(self) -> None:
        """A child of Celery's counts as busy until it has said that it is up, so it may have to be asked again."""
        for command, told in (("pool_grow", "pool will grow"), ("pool_shrink", "pool will shrink")):
            for node in (PYTHON, LOVAGE):
                ask = ("control", "-j", "-d", node, "-t", "10", command, "1")
                servers.wait_until(lambda a=ask, n=node, t=told: replies(self.programs.celery(*a)) == {n: {"ok": t}}, 20,
                                   f"{command} of {node}", 0.3)  # fmt: skip
            size = replies(self.programs.celery("inspect", "-j", *BOTH, "stats"))[LOVAGE]["pool"]["max-concurrency"]
            self.checks.expect(size == (2 if command == "pool_grow" else 1), f"{size} after {command}")

    def redelivered(self) -> None:
        """What runs is terminated; next comes a task that somebody took before and gave back."""
        running = [pair[0] for pair in self.ids.values()]
        again = {node: self.sent_again(queue) for node, queue in ((PYTHON, "again.python"), (LOVAGE, "again.lovage"))}
        said = replies(self.programs.celery("control", "-j", *BOTH, "terminate", "TERM", *running))
        told = sorted(answer.get("ok", "") for answer in said.values())
        self.checks.expect(told == sorted(f"terminate: {task}" for task in running), f"terminate: {said}")
        for task in running:
            ended = self.client.get(task)
            self.checks.expect(getattr(ended, "type", "") == "revoked", f"a terminated task gave {ended}")

        def active() -> dict:
            found = replies(self.programs.celery("inspect", "-j", *BOTH, "active"))
            return found if [found[n][0]["id"] for n in again if found.get(n)] == list(again.values()) else {}

        for node, task in servers.wait_until(active, 30, "the redelivered tasks", 0.3).items():
            queue = "again." + node.partition("@")[2]
            came = {"exchange": "", "routing_key": queue, "priority": 5, "redelivered": True}
            self.checks.expect({**task[0]["delivery_info"], "exchange": task[0]["delivery_info"]["exchange"] or ""} == came,
                               f"delivery_info of a redelivered task at {node}: {task[0]['delivery_info']}")  # fmt: skip
        self.ids = {"to.python": [again[PYTHON]], "to.lovage": [again[LOVAGE]]}

    def sent_again(self, queue: str) -> str:
        """A task of that queue that was taken and not acknowledged before its worker is told to take from there."""
        task = self.client.send("interop.hold", [str(self.gate)], queue=queue, priority=5)
        with self.client.app.connection_for_read() as connection, connection.channel() as channel:
            taken = servers.wait_until(lambda: channel.basic_get(queue), 10, f"a message in {queue}")
            self.checks.expect(taken is not None, queue)
        node = PYTHON if queue.endswith("python") else LOVAGE
        self.programs.celery("control", "-d", node, "-t", "10", "add_consumer", queue)
        return task

    def addressed_by_python(self) -> None:
        app = self.client.app
        said = app.control.broadcast("hello", {"from_node": "other@node", "revoked": {}}, reply=True, timeout=5, limit=2)
        answers = {node: answer for reply in said for node, answer in reply.items()}
        known = [set(answers.get(node, {}).get("revoked", ())) for node in (PYTHON, LOVAGE)]  # a map before 5.7, then a list
        self.checks.expect(known[0] == known[1] != set() and len(answers) == 2, f"hello: {answers}")
        self.checks.expect(all(set(answer) == {"revoked", "clock"} for answer in answers.values()), f"hello: {answers}")
        for kind, destination in (("glob", "lovage-*"), ("pcre", "lovage.*")):
            said = app.control.broadcast("ping", reply=True, timeout=1, pattern=destination, matcher=kind)
            self.checks.expect([list(r) for r in said] == [[LOVAGE]], f"{kind}: {said}")
        said = app.control.broadcast("no_such_command", reply=True, timeout=1)
        answers = {node: text for reply in said for node, text in reply.items()}
        self.checks.expect(answers.get(PYTHON) == answers.get(LOVAGE) == {"error": "KeyError('no_such_command')"}, str(said))
        said = app.control.broadcast("query_task", reply=True, timeout=1)
        self.checks.expect(all("ids" in list(r.values())[0]["error"] for r in said) and len(said) == 2, str(said))
        none = self.programs.celery("inspect", "ping", "-d", "none@nowhere", "-t", "0.5")
        self.checks.expect(none.returncode == NOBODY_REPLIED, f"exit code {none.returncode}")
        status = self.programs.celery("status")
        self.checks.expect(all(f"{node}: OK" in status.stdout for node in (PYTHON, LOVAGE)), status.stdout)

    def asked_by_lovage(self) -> None:
        for command in ("active", "reserved", "registered", "active_queues", "scheduled", "revoked", "ping"):
            told = [replies(program("inspect", "-j", *BOTH, command)) for program in (self.programs.celery, self.programs.lovage)]
            self.checks.expect(told[0] == told[1], f"lovage inspect {command}: {told[1]}, celery: {told[0]}")
        status = self.programs.lovage("status")
        self.checks.expect(status.returncode == 0 and "2 nodes online." in status.stdout, status.stdout + status.stderr)
        for words in (["inspect", "registered"], ["inspect", "ping"], ["status"]):
            shown = [sorted(program(*words, "-d", PYTHON).stdout.split()) for program in (self.programs.celery, self.programs.lovage)]
            self.checks.expect(shown[0] == shown[1], f"{words}: {shown}")
        none = self.programs.lovage("inspect", "ping", "-d", "none@nowhere", "-t", "0.5")
        self.checks.expect(none.returncode == NOBODY_REPLIED, f"exit code {none.returncode}")
        said = replies(self.programs.lovage("control", "-j", "rate_limit", "interop.add", "5/s", "-d", PYTHON))
        self.checks.expect(said == {PYTHON: {"ok": "new rate limit set successfully"}}, str(said))

    def shut_down(self) -> None:
        """Each ends the other's worker, and what runs is finished first."""
        self.programs.celery("control", "shutdown", "-d", LOVAGE, "-t", "0.2")
        self.checks.expect(self.programs.lovage("control", "shutdown", "-d", PYTHON).returncode == 0, "lovage control shutdown")
        said = replies(self.programs.celery("inspect", "-j", "active", "-d", LOVAGE))
        self.checks.expect(len(said.get(LOVAGE, [])) == 1, f"it still answers while it finishes its task: {said}")
        self.gate.touch()
        for queue in ("to.lovage", "to.python"):
            self.checks.expect(self.client.get(self.ids[queue][0]) == "let go", queue)
        for worker in (self.lovage, self.python):
            try:
                code = worker.process.wait(30)
                self.checks.expect(code == 0, f"the {worker.kind} worker ended with {code}: {worker.tail()}")
            except subprocess.TimeoutExpired:
                self.checks.expect(False, f"the {worker.kind} worker goes on")

    def close(self) -> None:
        self.gate.touch()
        self.client.close()
        for worker in (self.lovage, self.python):
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()


def play(broker: str, url: str, backend: str, build: Path, work: Path) -> Checks:
    checks = Checks(broker)
    settings = {"broker_url": url, "result_backend": backend, "worker_prefetch_multiplier": 4}
    place = work / broker
    place.mkdir()
    scene = Scene(build, place, settings, checks)
    try:
        scene.begin()
        for step in (scene.asked_by_python, scene.told_by_python, scene.addressed_by_python, scene.asked_by_lovage,
                     scene.resized_by_python, scene.redelivered, scene.shut_down):  # fmt: skip
            step()
    except Exception as e:  # noqa: BLE001  the other broker is to be tried all the same
        checks.expect(False, f"{type(e).__name__}: {e}")
    finally:
        scene.close()
    return checks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--only", choices=["rabbitmq", "redis"])
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="lovage-control."))
    print(f"  Celery {celery.__version__}, logs in {work}", flush=True)
    good = True
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(servers.redis())
        brokers = {}
        if options.only != "redis":
            brokers["rabbitmq"] = stack.enter_context(servers.rabbitmq()).url()
        if options.only != "rabbitmq":
            brokers["redis"] = redis.url(0)
        for broker, url in brokers.items():
            began = time.monotonic()
            done = play(broker, url, redis.url(1), options.build.resolve(), work)
            print(f"  {broker:<10} {done.done:>4} checks, {done.failed} failed, {time.monotonic() - began:.1f} s", flush=True)
            good = good and done.done > 0 and done.failed == 0
    if good and not options.keep:
        shutil.rmtree(work)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
