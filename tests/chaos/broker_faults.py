#!/usr/bin/env python3
"""Does to brokers, workers and producers what happens to them, and counts what became of every task.

usage: broker_faults.py BUILD_DIR rabbitmq|redis [--tasks 10000] [--short] [--only WORD ...] [--keep]

Workers and producers reach the broker through a proxy. Per case: two producers send tasks with unique marks and write
down each whose send returned, from before the fault until after its end and until there are enough; every worker must
take a probe that is sent past the proxy within 10 s of the fault's end, and every confirmed task must have run and have
its result. Runs beyond the first are
counted, and allowed where the case says why. Runs in a Python environment with redis and amqp (python_env.sh newest).
"""

import argparse
import collections
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import amqp  # noqa: E402
import broker_cases  # noqa: E402
import processes  # noqa: E402
import redis  # noqa: E402
import servers  # noqa: E402
from processes import Process  # noqa: E402
from proxy import Proxy  # noqa: E402

BACK_WITHIN = 10.0  # seconds from the broker's return until a worker consumes
GIVE_UP = 60.0
DRAIN_LIMIT = 150.0
SEND_LIMIT = 180.0
BATCH, PAUSE_MS = 20, 70  # per producer: some 250 tasks a second
TASK_MS = 15  # at most: four slots are then busy most of the time, and a fault finds them at work


class Run:
    """One case: two workers, two producers, a proxy, and files that say what happened."""

    def __init__(self, stage: "Stage", case: broker_cases.Case, proxy: Proxy, work: Path) -> None:
        self.stage, self.case, self.proxy, self.work = stage, case, proxy, work
        self.broker, self.server = stage.broker, stage.server
        self.marks, self.confirmed = work / "marks", work / "confirmed"
        self.queue = "q" + work.name
        self.problems: list[str] = []
        self.suspended: set[Process] = set()
        # RabbitMQ keeps no results: these go to a Redis that nothing happens to.
        self.broker_url = stage.url(proxy.port)
        self.results_url = stage.results.url(1, proxy.port if self.broker == "redis" else None)
        self.workers = [self.worker("prefork"), self.worker("threads")]
        self.producers = [self.producer(name, self.broker_url, self.results_url, self.queue) for name in ("a", "b")]

    def scale(self, full: int, short: int) -> int:
        return short if self.stage.options.short else full

    def process(self, name: str, command: list[str]) -> Process:
        return Process(name, command, self.work / f"{name}.log", self.work)

    def worker(self, pool: str) -> Process:
        build = self.stage.build
        # Chance may end one task's process more often than the default limit of 5: that is no loss to be counted.
        return self.process(f"worker-{pool}", [
            str(build / "bin/lovage"), "worker", "-A", str(build / "lib/libchaos_marks.so"), "-P", pool, "-c", "2",
            "-l", "info", "-n", f"{pool}{{start}}@chaos", "-Q", f"{self.queue},{self.queue}.{pool}", "--",
            f"broker_url={self.broker_url}", f"result_backend={self.results_url}", "task_delivery_limit=1000",
        ])  # fmt: skip

    def producer(self, name: str, broker: str, results: str, queue: str, only_one: bool = False) -> Process:
        pace = ["1", "0", "0", "1"] if only_one else [str(BATCH), str(PAUSE_MS), str(TASK_MS)]
        return self.process(f"producer-{name}", [
            str(self.stage.build / "bin/chaos_sender"), broker, results, queue, str(self.marks), str(self.confirmed),
            f"{name}{{start}}", *pace,
        ])  # fmt: skip

    def suspend(self, process: Process) -> None:
        self.suspended.add(process)
        os.kill(process.pid, signal.SIGSTOP)

    def resume(self, process: Process) -> None:
        os.kill(process.pid, signal.SIGCONT)
        self.suspended.discard(process)

    def marks_made(self) -> collections.Counter[str]:
        return collections.Counter(self.marks.read_text().splitlines() if self.marks.exists() else [])

    def names_sent(self) -> dict[str, str]:
        """Name to task id. A producer killed while it wrote leaves half a line, which confirms nothing."""
        lines = self.confirmed.read_text().splitlines() if self.confirmed.exists() else []
        pairs = (line.split(" ") for line in lines)
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and len(pair[1]) == 36}

    def wait_ready(self) -> None:
        for worker in self.workers:
            servers.wait_until(lambda w=worker: "ready." in w.log.read_text(errors="replace"), 30, f"{worker.name}")

    def seconds_until_consumed(self, since: float) -> dict[str, float]:
        """Per worker: from the broker's return until it has run a task that was sent after that."""
        out = {}
        direct = self.stage.url(self.server.port)
        results = self.stage.results.url(1)
        probes = [self.producer(f"probe-{w.name}", direct, results, f"{self.queue}.{w.name.removeprefix('worker-')}", True)
                  for w in self.workers]  # fmt: skip
        for probe in probes:
            probe.start()
        for worker, probe in zip(self.workers, probes):
            name = f"{probe.name.removeprefix('producer-')}1-0"
            with contextlib.suppress(TimeoutError):
                servers.wait_until(lambda n=name: n in self.marks_made(), GIVE_UP, name)
            out[worker.name] = time.monotonic() - since
        for probe in probes:
            if probe.running.wait(30) != 0:
                self.problems.append(f"{probe.name} could not send: {probe.log.read_text()[-300:]}")
        return out

    def results_of(self, sent: dict[str, str]) -> dict[str, str | None]:
        """State of each task's result."""
        client = redis.Redis(port=self.stage.results.port, db=1)
        out: dict[str, str | None] = {}
        names = list(sent)
        for at in range(0, len(names), 1000):
            part = names[at : at + 1000]
            for name, record in zip(part, client.mget([f"celery-task-meta-{sent[name]}" for name in part])):
                out[name] = json.loads(record)["status"] if record else None
        client.close()
        return out

    def undone(self) -> int:
        sent = self.names_sent()
        made = self.marks_made()
        if missing := sum(1 for name in sent if name not in made):
            return missing
        return sum(1 for state in self.results_of(sent).values() if state != "SUCCESS")

    def drain(self) -> float:
        """Until every confirmed task is done; what a killed worker held comes back when its lease has ended."""
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            servers.wait_until(lambda: self.undone() == 0, DRAIN_LIMIT, "drained", every=0.2)
        return time.monotonic() - began

    def end(self, those: list[Process], limit: float) -> None:
        for process in those:
            code = process.terminate(limit) if process.alive() else process.running.returncode
            if code != 0:
                self.problems.append(f"{process.name} ended with {code}: {process.log.read_text(errors='replace')[-500:]}")

    def clean_up(self) -> None:
        """Ends every process of this run, whatever happened, by its id."""
        for process in list(self.suspended):
            self.resume(process)
        for process in [*self.workers, *self.producers]:
            if process.alive():
                process.kill()
        for pid in processes.with_text_in_command_line(str(self.work)) | processes.with_text_in_command_line(self.queue):
            processes.kill_hard(pid)


class Stage:
    """The servers, for all cases of one broker."""

    def __init__(self, options: argparse.Namespace, server: servers.Server, results: servers.Redis) -> None:
        self.options, self.server, self.results = options, server, results
        self.broker, self.build = options.broker, options.build.resolve()

    def url(self, port: int) -> str:
        return self.server.url(port=port)

    def left_behind(self, queue: str) -> str:
        """What the broker still has of a run whose tasks are all done; empty when nothing."""
        if self.broker == "redis":
            client = redis.Redis(port=self.server.port, db=0)
            lists = {key.decode(): client.llen(key) for key in client.keys(f"*{queue}*") if client.type(key) == b"list"}
            held = {key: client.hlen(key) for key in ("unacked",)} | {"unacked_index": client.zcard("unacked_index")}
            client.close()
            return ", ".join(f"{key}: {count}" for key, count in (lists | held).items() if count)
        with amqp.Connection(f"127.0.0.1:{self.server.port}", "guest", "guest") as connection:
            count = connection.channel().queue_declare(queue, passive=True).message_count
        return f"{queue}: {count}" if count else ""

    def perform(self, case: broker_cases.Case, work: Path) -> bool:
        with Proxy(self.server.port) as proxy:
            run = Run(self, case, proxy, work)
            try:
                return judge(run, *play(run))
            finally:
                run.clean_up()


def play(run: Run) -> tuple[dict[str, float], float]:
    for worker in run.workers:
        worker.start()
    run.wait_ready()
    pids = [worker.pid for worker in run.workers]
    for producer in run.producers:
        producer.start()
    time.sleep(1.5)
    before = len(run.marks_made())
    run.case.act(run)
    since = time.monotonic()
    back = run.seconds_until_consumed(since)
    if before == 0:
        run.problems.append("nothing ran before the fault")
    with contextlib.suppress(TimeoutError):  # told below: too little was sent
        servers.wait_until(lambda: len(run.names_sent()) >= run.stage.options.tasks, SEND_LIMIT, "sent", every=0.1)
    run.end(run.producers, 30)
    taken = run.drain()
    if run.case.act is not broker_cases.kill_worker and [w.pid for w in run.workers] != pids:
        run.problems.append("a worker was started again")
    run.end(run.workers, 30)
    if left := run.stage.left_behind(run.queue):
        run.problems.append(f"left in the broker: {left}")
    return back, taken


def judge(run: Run, back: dict[str, float], taken: float) -> bool:
    sent, made = run.names_sent(), run.marks_made()
    states = run.results_of(sent)
    lost = [name for name in sent if name not in made]
    no_result = [name for name in sent if name in made and states[name] != "SUCCESS"]
    again = {name: count for name, count in made.items() if count > 1}
    unconfirmed = sum(1 for name in made if name not in sent)
    table: list[tuple[str, object]] = [
        ("tasks whose send was confirmed", len(sent)),
        ("  of them LOST", len(lost)),
        ("  of them ran and have no result", len(no_result)),
        ("ran, though the send was never confirmed", unconfirmed),
        ("ran more than once", len(again)),
        ("  runs beyond the first", sum(again.values()) - len(again)),
        ("connections made", run.proxy.accepted),
        ("seconds to drain", f"{taken:.1f}"),
    ]
    table += [(f"{name} consumes again after", f"{seconds:.1f} s") for name, seconds in back.items()]
    for what, value in table:
        print(f"    {what:<44} {value:>8}")
    for name in lost[:10]:
        print(f"    LOST {name} {sent[name]}")
    if again:
        print(f"    More than once: {run.case.why_twice or 'NOTHING EXPLAINS IT'}.")
    late = [name for name, seconds in back.items() if seconds > BACK_WITHIN]
    if late:
        run.problems.append(f"{', '.join(late)} took longer than {BACK_WITHIN:.0f} s to consume again")
    if again and not run.case.why_twice:
        run.problems.append("tasks ran more than once")
    if len(sent) < run.stage.options.tasks:
        run.problems.append(f"only {len(sent)} tasks were sent")
    for problem in run.problems:
        print(f"    problem: {problem}")
    return not (lost or no_result or run.problems)


@contextlib.contextmanager
def on_stage(options: argparse.Namespace):
    with contextlib.ExitStack() as stack:
        results = stack.enter_context(servers.redis(durable=True))
        server = stack.enter_context(servers.rabbitmq()) if options.broker == "rabbitmq" else results
        yield Stage(options, server, results)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("broker", choices=["rabbitmq", "redis"])
    parser.add_argument("--tasks", type=int, default=10_000, help="per case")
    parser.add_argument("--short", action="store_true", help="a few cases, shorter ones")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    options = parser.parse_args()
    top = Path(tempfile.mkdtemp(prefix="lovage-faults."))
    print(f"  {options.broker}, {options.tasks} tasks per case, in {top}", flush=True)
    outcomes = {}
    with on_stage(options) as stage:
        for case in broker_cases.CASES:
            played = options.broker in (case.short if options.short else case.brokers)
            if options.only:
                played = any(word in case.name for word in options.only)
            if not played:
                continue
            work = top / f"{len(outcomes)}-{options.broker}"
            work.mkdir()
            print(f"\n  {options.broker}: {case.name}", flush=True)
            began = time.monotonic()
            outcomes[case.name] = stage.perform(case, work)
            print(f"    {'ok' if outcomes[case.name] else 'FAILED'}, {time.monotonic() - began:.0f} s", flush=True)
    good = bool(outcomes) and all(outcomes.values())
    if good and not options.keep:
        shutil.rmtree(top)
    print(f"\n  {sum(outcomes.values())} of {len(outcomes)} cases passed" + ("" if good else f", logs in {top}"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
