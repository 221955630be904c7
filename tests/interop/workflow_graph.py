#!/usr/bin/env python3
"""Workflows as the dashboard draws them: sent by Celery, run by a stock Celery worker and a lovage worker together.

usage: workflow_graph.py BUILD_DIR [--keep]

Runs in an environment with Celery (tests/support/python_env.sh DIR newest), on one Redis. Events of lovage's workers tell
group and chord; those of Celery's do not, and what the result backend stores tells the group, which is the body's, too.
"""

import contextlib
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import servers  # noqa: E402
import tasks  # noqa: E402
from celery import chain, chord, group  # noqa: E402
from flower_api import Api, program, web_command  # noqa: E402
from monitors import LOVAGE, PYTHON, Checks, TellingLovageWorker, TellingPythonWorker, run_checks  # noqa: E402


class Graph:
    def __init__(self, answer: dict) -> None:
        self.nodes = {n["id"]: n for n in answer["nodes"]}
        self.edges = {tuple(e) for e in answer["edges"]}

    def of_kind(self, kind: str) -> list[dict]:
        return [n for n in self.nodes.values() if n["kind"] == kind]

    def before(self, node: str) -> set[str]:
        return {a for a, b in self.edges if b == node}

    def after(self, node: str) -> set[str]:
        return {b for a, b in self.edges if a == node}

    def tasks(self) -> int:
        return sum(n["count"] for n in self.nodes.values() if n["kind"] in ("task", "more"))


class Rounds:
    def __init__(self, app, api: Api, check: Checks) -> None:
        self.app, self.api, self.check = app, api, check

    def s(self, name: str, *args, queue: str = "lovage"):
        return self.app.signature(f"interop.{name}", args=args, options={"queue": queue})

    def drawn(self, task: str, count: int) -> Graph:
        """Once all of its tasks have ended and are known."""
        seen = []

        def whole() -> bool:
            answer = self.api.get(f"/api/v1/tasks/{task}/graph")
            if answer.status != 200:
                return False
            seen[:] = [Graph(answer.json())]
            return seen[0].tasks() == count and all(n["state"] == "SUCCESS" for n in seen[0].nodes.values())

        try:
            servers.wait_until(whole, 30, f"{count} tasks of the workflow of {task}", 0.2)
        except Exception as e:
            raise RuntimeError(f"{e}: {seen and (seen[0].nodes, seen[0].edges)}") from e
        return seen[0]

    def a_chord(self) -> None:
        sent = chord([self.s("add", n, n) for n in range(3)], self.s("total"))()
        header = {r.id for r in sent.parent.results}
        sent.get(timeout=30)
        g = self.drawn(sent.id, 4)
        self.check.equal(g.before(sent.id), header, "what the body waits for")
        self.check.equal(g.after(sent.parent.id), header, "the group")
        self.check.equal((g.nodes[sent.parent.id]["kind"], g.nodes[sent.parent.id]["count"]), ("group", 3), "its node")

    def a_group_in_a_chain(self) -> None:
        flow = chain(self.s("add", 1, 1), group(self.s("add", n, queue="python" if n % 2 else "lovage") for n in range(6)),
                     self.s("total"), self.s("echo"))  # fmt: skip
        last = flow.apply_async()
        last.get(timeout=30)
        total, header = last.parent, last.parent.parent
        g = self.drawn(last.id, 9)
        members = {r.id for r in header.results}
        self.check.equal(g.before(last.id), {total.id}, "the last step comes after the one before")
        self.check.equal(g.before(total.id), members, "the body comes after all members, whoever ran them")
        self.check.equal(g.after(header.id), members, "the group leads to its members, whoever ran them")
        self.check.equal(g.before(header.id), {header.parent.id}, "and comes after the first step")

    def a_nested_chord(self) -> None:
        inner = chain(group(self.s("add", n, n) for n in range(2)), self.s("total"))
        sent = chord([inner, self.s("add", 5, 5)], self.s("total")).apply_async()
        sent.get(timeout=30)
        g = self.drawn(sent.id, 5)
        self.check.equal(len(g.before(sent.id)), 2, "the outer body waits for the inner body and a task")
        bodies = [n for n in g.before(sent.id) if len(g.before(n)) == 2]
        self.check.equal(len(bodies), 1, "the inner body waits for its own header")
        self.check.equal(sorted(n["count"] for n in g.of_kind("group")), [2, 2], "both groups")

    def a_large_group(self) -> None:
        sent = chord([self.s("add", n, n) for n in range(200)], self.s("total"))()
        sent.get(timeout=60)
        g = self.drawn(sent.id, 201)
        self.check.that(len(g.nodes) < 15, f"200 members are not drawn one by one: {len(g.nodes)} nodes")
        more = g.of_kind("more")
        self.check.equal([(n["count"], n["states"]) for n in more], [(192, {"SUCCESS": 192})], "the others are counted")
        self.check.equal(g.after(more[0]["id"]), {sent.id}, "and the body waits for them")
        listed = self.api.get(f"/api/v1/tasks?group={sent.parent.id}&limit=1").json()
        self.check.equal(listed["total"], 201, "and found by their group, whose id Celery gives to the body, too")

    def as_it_happens(self) -> None:
        """The body stands there before it is called."""
        sent = chord([self.s("slow", 3.0), self.s("add", 1, 1)], self.s("echo"))()
        first = sent.parent.results[0].id
        servers.wait_until(lambda: self.api.get(f"/api/v1/tasks/{first}/graph").status == 200, 20, "the header to begin", 0.1)
        g = Graph(self.api.get(f"/api/v1/tasks/{first}/graph").json())
        body = g.nodes.get(sent.id)
        self.check.equal(body and (body["kind"], body["state"]), ("body", "PENDING"), "a body that waits")
        sent.get(timeout=30)
        self.drawn(first, 3)

    def run(self) -> None:
        self.a_chord()
        self.of_celery_alone()
        self.a_group_in_a_chain()
        self.a_nested_chord()
        self.a_large_group()
        self.as_it_happens()

    def of_celery_alone(self) -> None:
        flow = chain(self.s("add", 1, 1, queue="python"), group(self.s("add", n, queue="python") for n in range(3)),
                     self.s("total", queue="python"))  # fmt: skip
        last = flow.apply_async()
        last.get(timeout=30)
        g = self.drawn(last.id, 5)
        self.check.equal(g.after(last.parent.id), {r.id for r in last.parent.results}, "a group that only the backend tells")
        self.check.equal(g.before(last.id), {r.id for r in last.parent.results}, "and its body")


def run(build: Path, work: Path, check: Checks) -> None:
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(servers.redis())
        settings = {"broker_url": redis.url(0), "result_backend": redis.url(1), "accept_content": ["json"], "task_track_started": True}
        app = tasks.make_app(settings)
        app.set_current()
        for worker in (TellingLovageWorker(work / "lovage.log", build, settings), TellingPythonWorker(work / "python.log", settings)):
            stack.callback(worker.stop)
            worker.wait_ready()
        port = servers.free_port()
        stack.enter_context(program("web", web_command(build, port, settings, work), work, {}))
        api = Api(port)

        def both() -> bool:
            with contextlib.suppress(OSError, ValueError):
                return Counter(w["name"] for w in api.get("/api/v1/workers").json()["workers"]) == Counter([PYTHON, LOVAGE])
            return False

        servers.wait_until(both, 60, "both workers on the dashboard", 0.3)
        Rounds(app, api, check).run()


if __name__ == "__main__":
    sys.exit(run_checks(__doc__, "graph", run))
