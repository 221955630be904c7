#!/usr/bin/env python3
"""Half an hour of everything that happens to workers, and then a count: is any task lost, does memory grow?

usage: soak.py BUILD_DIR rabbitmq|redis [--minutes 30] [--rate 20] [--seed TEXT] [--keep]

Celery's own client sends tasks of every kind (soak_kinds.py) to three prefork workers. Two of them are killed, stopped,
restarted, reloaded; the third lives throughout and loses its children only; all hear remote control (soak_events.py).
At the end every task that was sent must have the record that its kind must have and nothing may be left in the broker.
After a warm-up the resident memory of the third worker and of its fork server is sampled; the line through the samples
may rise or fall by 2 % over the whole run, which is judged from ten minutes on.

Runs in a Python environment with Celery (python_env.sh newest).
"""

import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import broker_faults  # noqa: E402
import celery  # noqa: E402
import memory  # noqa: E402
import processes  # noqa: E402
import redis  # noqa: E402
import servers  # noqa: E402
import soak_events  # noqa: E402
import soak_kinds  # noqa: E402
from soak_crew import Crew  # noqa: E402
from soak_kinds import KINDS, Kind, Sent  # noqa: E402

WARM_UP = 180.0
MAY_GROW = 0.02
FILLING = 12_000  # a worker knows the last 10,000 calls that it has settled: until then it grows as it should
JUDGED_FROM_MINUTES = 10
SAMPLE_EVERY = 10.0
LOOK_EVERY = 2.0
DRAIN_LIMIT = 240.0
QUEUE, EXTRA, WITNESS = "soak", "soak.extra", "soak.witness"


class Soak:
    def __init__(self, stage: broker_faults.Stage, work: Path, chance: random.Random) -> None:
        self.stage, self.work, self.chance = stage, work, chance
        self.marks = work / "marks"
        self.problems: list[str] = []
        self.broker_url = stage.url(stage.server.port)
        self.results_url = stage.results.url(1)
        self.app = celery.Celery("soak", broker=self.broker_url, backend=self.results_url, set_as_current=False)
        self.app.conf.update(task_default_queue=QUEUE, task_ignore_result=False,
                             broker_transport_options={"confirm_publish": True} if stage.broker == "rabbitmq" else {})  # fmt: skip
        self.store = redis.Redis(port=stage.results.port, db=1)
        self.crew = Crew(self)
        self.sent: dict[str, Sent] = {}
        self.open: set[str] = set()  # those without their last state
        self.dead: set[str] = set()
        self.serial = 0
        self.samples: dict[str, list[memory.Sample]] = collections.defaultdict(list)
        self.done: collections.Counter[str] = collections.Counter()

    def lovage(self, *words: str) -> str:
        return subprocess.run([str(self.stage.build / "bin/lovage"), "-b", self.broker_url, *words], timeout=60, check=True,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=self.work).stdout  # fmt: skip

    # Tasks

    def fill(self) -> None:
        """Brings the witness to where its memory of what was lately is full, it had as many children as it may get, and
        everything has happened once: what is done for the first time takes memory that is kept for the next."""
        soak_events.grow_to_most(self)
        soak_events.each_once(self)
        for _ in range(FILLING):
            self.send(KINDS[0], WITNESS)

        def settled() -> bool:
            self.look()
            return not self.open

        servers.wait_until(settled, DRAIN_LIMIT, "the first tasks", every=0.5)

    def send_any(self) -> None:
        self.send(self.chance.choices(KINDS, [k.weight for k in KINDS])[0], QUEUE)

    def send(self, kind: Kind, queue: str) -> None:
        self.serial += 1
        name = f"t{self.serial}"
        options = {"queue": queue, **kind.options}
        if kind.delay[1]:
            options["countdown"] = self.chance.uniform(*kind.delay)
        self.app.send_task(kind.task, kind.args(name, str(self.marks), self.chance), task_id=name, **options)
        self.sent[name] = Sent(kind)
        self.open.add(name)
        if kind.name == soak_kinds.WAITING:
            self.app.control.revoke(name)

    def look(self) -> None:
        """What became of those whose end is not known yet; what runs and is to be ended is ended."""
        names = sorted(self.open)
        for at in range(0, len(names), 1000):
            part = names[at : at + 1000]
            for name, record in zip(part, self.store.mget([f"celery-task-meta-{name}" for name in part])):
                if record:
                    self.note(name, json.loads(record))

    def note(self, name: str, record: dict) -> None:
        sent = self.sent[name]
        sent.state = record["status"]
        sent.exception = record["result"]["exc_type"] if sent.state == "FAILURE" else ""
        if sent.settled():
            self.open.discard(name)
        elif sent.state == "STARTED" and sent.kind.name == soak_kinds.RUNNING and not sent.ended:
            sent.ended = True
            self.app.control.revoke(name, terminate=True, signal=self.chance.choice(["SIGTERM", "SIGKILL"]))

    def look_at_dead(self) -> None:
        self.dead = set()
        for queue in (QUEUE, EXTRA, WITNESS):
            dead = json.loads(self.lovage("queues", "dead", queue, "--json", "--limit", "1000000"))
            self.dead |= {message["task_id"] for message in dead}
        self.open -= {name for name in self.open if self.sent[name].kind.state is None and name in self.dead}

    # Time

    def run(self, seconds: float) -> None:
        """One loop: what is due is done, by one thread, so that the seed decides as much as it can."""
        began = time.monotonic()
        warm = began + min(WARM_UP, seconds / 3)
        rate = self.stage.options.rate
        longest = 4 if seconds >= JUDGED_FROM_MINUTES * 60 else 1.2  # from one event to the next
        due = {"send": began, "event": began + 2, "look": began, "watch": began, "sample": warm, "tell": began + 60}
        acts = {
            "send": (self.send_any, lambda: self.chance.expovariate(rate)),
            "event": (lambda: soak_events.act(self), lambda: self.chance.uniform(0.2, longest)),
            "look": (self.look, lambda: LOOK_EVERY),
            "watch": (self.crew.watch, lambda: 0.2),
            "sample": (self.sample, lambda: SAMPLE_EVERY),
            "tell": (lambda: self.tell(began), lambda: 60),
        }
        while (now := time.monotonic()) < began + seconds:
            name = min(due, key=due.get)
            if due[name] > now:
                time.sleep(min(due[name] - now, 0.2))
                continue
            act, pause = acts[name]
            act()
            due[name] = max(due[name], now - 1) + pause()  # what a slow answer held up for long is not made up for

    def sample(self) -> None:
        for name, pid in self.crew.witnessed().items():
            self.samples[name].append(memory.sample(pid, time.monotonic()))

    def tell(self, began: float) -> None:
        held = ", ".join(f"{name} {samples[-1].kib} KiB" for name, samples in self.samples.items())
        print(f"  {time.monotonic() - began:5.0f} s: {len(self.sent)} sent, {len(self.open)} open; {held}", flush=True)

    def drain(self) -> float:
        """Until every task has its end; what a killed worker held comes back when its lease has ended."""
        began = time.monotonic()
        soak_events.calm(self)

        def settled() -> bool:
            self.crew.watch()
            self.look()
            self.look_at_dead()
            return not self.open

        with contextlib.suppress(TimeoutError):
            servers.wait_until(settled, DRAIN_LIMIT, "every task", every=0.5)
        return time.monotonic() - began

    def close(self) -> None:
        self.crew.close()
        self.app.close()
        self.store.close()


def count_runs(marks: Path) -> collections.Counter[str]:
    return collections.Counter(marks.read_text().splitlines() if marks.exists() else [])


def judge_tasks(soak: Soak) -> bool:
    soak.open = set(soak.sent)  # once more from the start: no end may have been taken back
    soak.look()
    runs = count_runs(soak.marks)
    print(f"\n  {'what was sent':<34} {'sent':>7} {'wrong':>7} {'runs beyond the first':>22}")
    wrong: list[str] = []
    for kind in KINDS:
        those = {name: sent for name, sent in soak.sent.items() if sent.kind is kind}
        bad = {name: why for name, sent in those.items() if (why := sent.wrong(runs[name], name in soak.dead))}
        wrong += [f"{name} ({kind.name}) {why}" for name, why in bad.items()]
        again = sum(max(0, runs[name] - max(1, kind.least)) for name in those)
        print(f"  {kind.name:<34} {len(those):>7} {len(bad):>7} {again:>22}")
    for line in wrong[:20]:
        print(f"  WRONG: {line}")
    if strange := soak.dead - soak.sent.keys():
        soak.problems.append(f"dead, and never sent: {sorted(strange)[:10]}")
    return not wrong and bool(soak.sent)


def judge_memory(soak: Soak) -> bool:
    good = True
    for name, samples in soak.samples.items():
        if len(samples) < 2:
            continue
        line = memory.fit(samples)
        flat = abs(line.growth) <= MAY_GROW
        more = samples[-1].descriptors - samples[0].descriptors
        print(f"  {name}: {line.first_kib / 1024:.2f} MiB, {line.rise_kib:+.0f} KiB ({line.growth:+.2%}) in"
              f" {samples[-1].at - samples[0].at:.0f} s, {more:+d} descriptors")  # fmt: skip
        good = good and flat and more < 20
    if soak.stage.options.minutes < JUDGED_FROM_MINUTES:
        print("  (too short a run to judge memory by)")
        return True
    return good and bool(soak.samples)


def judge(soak: Soak, drained_in: float) -> bool:
    for what, count in sorted(soak.done.items()):
        print(f"  {what:<44} {count:>6}")
    tasks = judge_tasks(soak)
    print(f"  {'seconds to drain':<34} {drained_in:>7.1f}\n")
    flat = judge_memory(soak)
    for problem in soak.problems:
        print(f"  problem: {problem}")
    if not soak.done:
        print("  problem: nothing happened to any worker")
    return tasks and flat and bool(soak.done) and not soak.problems


def perform(options: argparse.Namespace, work: Path) -> bool:
    # A worker remembers what was revoked for three hours, which would be growth: here for as long as a task may wait.
    os.environ["CELERY_WORKER_REVOKE_EXPIRES"] = "120"
    with broker_faults.on_stage(options) as stage:
        soak = Soak(stage, work, random.Random(options.seed))
        try:
            soak.crew.start()
            if options.minutes >= JUDGED_FROM_MINUTES:
                soak.fill()
            soak.run(options.minutes * 60)
            drained_in = soak.drain()
            soak.crew.end()
            for queue in (QUEUE, EXTRA, WITNESS):
                if left := stage.left_behind(queue):
                    soak.problems.append(f"left in the broker: {left}")
            return judge(soak, drained_in)
        finally:
            soak.close()
            for pid in processes.with_text_in_command_line(work.name):
                processes.kill_hard(pid)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("broker", choices=["rabbitmq", "redis"])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=20, help="tasks a second")
    parser.add_argument("--seed", help="default: the time")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    options = parser.parse_args()
    options.seed = options.seed or time.strftime("%Y%m%d-%H%M%S")
    work = Path(tempfile.mkdtemp(prefix="lovage-soak."))
    print(f"  {options.broker}, {options.minutes:g} minutes, seed '{options.seed}', in {work}", flush=True)
    good = perform(options, work)
    if good and not options.keep:
        shutil.rmtree(work)
    else:
        print(f"  kept: {work}")
    print("  " + ("no task was lost" if good else "FAILED"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
