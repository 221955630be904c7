#!/usr/bin/env python3
"""Kills children, workers and producers at random moments and counts what became of every task.

usage: kill_rounds.py BUILD_DIR [--broker sqlite|postgres] [--rounds 50] [--seed TEXT] [--keep]

Producers write down each task whose send returned; each run of a task appends its name to one file. After the last
round everything drains, and then every confirmed task must have run at least once and have its result, nothing may
be left claimed, and the dead set must be empty. Runs beyond the first are counted: they are allowed. A PostgreSQL is killed
too, and started again on what it had written.
"""

import argparse
import collections
import contextlib
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import processes  # noqa: E402
import servers  # noqa: E402
from processes import Process  # noqa: E402

BATCH, PAUSE_MS = 20, 70  # per producer: some 250 tasks a second
DRAIN_LIMIT = 180.0
VICTIMS = {"child": 4, "prefork worker": 2, "threads worker": 2, "producer": 1, "producer in mid-send": 2}  # weights


class Store:
    """The embedded store: messages and results in one file."""

    victims: dict[str, int] = {}

    def __init__(self, file: Path) -> None:
        self.file = file
        self.url = f"sqlite:///{file}"  # four slashes: an absolute path

    def rows(self, query: str) -> list[tuple]:
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=10) as on:
            return on.execute(query).fetchall()

    def counts(self) -> dict[str, int]:
        """Messages by state."""
        names = ("ready", "delayed", "claimed")
        return {names[n]: count for n, count in self.rows("SELECT state, count(*) FROM message GROUP BY state")}

    def dead(self) -> list[tuple]:
        return self.rows("SELECT reason, count(*) FROM dead GROUP BY reason")


class Postgres:
    """Its own database of messages."""

    victims = {"server": 1}

    def __init__(self, server: servers.Postgres) -> None:
        self.server = server
        self.url = server.url()

    def counts(self) -> dict[str, int]:
        query = ("SELECT CASE WHEN session = 0 THEN 'ready' ELSE 'claimed' END, count(*) FROM lovage.message GROUP BY 1"
                 " UNION ALL SELECT 'delayed', count(*) FROM lovage.delayed")  # fmt: skip
        pairs = (line.split("|") for line in self.server.execute(query).splitlines())
        return {name: int(count) for name, count in pairs if count != "0"}

    def dead(self) -> list[tuple]:
        lines = self.server.execute("SELECT reason, count(*) FROM lovage.dead GROUP BY reason").splitlines()
        return [(line.rpartition("|")[0], int(line.rpartition("|")[2])) for line in lines]


class Run:
    def __init__(self, build: Path, work: Path, broker: Store | Postgres | None, chance: random.Random) -> None:
        self.work, self.chance = work, chance
        self.store = work / "store.db"
        self.results = Store(self.store)
        self.broker = broker or self.results
        self.victims = {**VICTIMS, **self.broker.victims}
        self.marks, self.confirmed = work / "marks", work / "confirmed"
        self.kills: collections.Counter[str] = collections.Counter()
        self.problems: list[str] = []
        url, results = self.broker.url, self.results.url
        plugin = str(build / "lib/libchaos_marks.so")
        worker = [str(build / "bin/lovage"), "worker", "-A", plugin, "-l", "warning", "-n"]
        # Chance may kill one task's process more often than the default limit of 5: that is no loss to be counted.
        tail = ["--", f"broker_url={url}", f"result_backend={results}", "task_delivery_limit=1000"]
        sender = [str(build / "bin/chaos_sender"), url, results, "celery", str(self.marks), str(self.confirmed)]
        pace = [str(BATCH), str(PAUSE_MS), "3"]
        self.all = {
            "prefork worker": self.process("prefork", [*worker, "p{start}@chaos", "-P", "prefork", "-c", "2", *tail]),
            "threads worker": self.process("threads", [*worker, "t{start}@chaos", "-P", "threads", "-c", "2", *tail]),
            "producer": self.process("producer", [*sender, "a{start}", *pace]),
            "second producer": self.process("producer2", [*sender, "b{start}", *pace]),
        }
        self.burst = self.process("burst", [*sender, "c{start}", "200", "0", "3"])  # sends without a pause
        self.workers = [self.all["prefork worker"], self.all["threads worker"]]
        self.producers = [self.all["producer"], self.all["second producer"]]

    def process(self, name: str, command: list[str]) -> Process:
        return Process(name, command, self.work / f"{name}.log", self.work)

    def round(self) -> None:
        time.sleep(self.chance.uniform(0.0, 0.5))
        kind = self.chance.choices(list(self.victims), list(self.victims.values()))[0]
        if kind == "child":
            children = processes.leaves(self.workers[0].pid)
            if children and processes.kill_hard(self.chance.choice(children)):
                self.kills[kind] += 1
            else:
                self.kills["child (none was up yet)"] += 1
        elif kind == "server":
            self.broker.server.kill()
            self.broker.server.restart()
            self.kills[kind] += 1
        elif kind == "producer in mid-send":
            self.burst.start()
            time.sleep(self.chance.uniform(0.01, 0.06))
            self.burst.kill()
            self.kills[kind] += 1
        else:
            victim = self.chance.choice(self.producers) if kind == "producer" else self.all[kind]
            victim.kill()
            self.kills[kind] += 1
            victim.start()
        for process in self.all.values():
            if not process.alive():
                code = process.running.returncode if process.running else None
                self.problems.append(f"{process.name} ended by itself with {code}, see {process.log.name}")
                process.start()

    def names_sent(self) -> dict[str, str]:
        """Name to task id. A producer killed while it wrote leaves half a line, which confirms nothing."""
        lines = self.confirmed.read_text().splitlines() if self.confirmed.exists() else []
        pairs = (line.split(" ") for line in lines)
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and len(pair[1]) == 36}

    def marks_made(self) -> collections.Counter[str]:
        return collections.Counter(self.marks.read_text().splitlines() if self.marks.exists() else [])

    def drain(self) -> float:
        """Until no message is left; a killed worker's come back when its lease has ended."""
        started = time.monotonic()
        while time.monotonic() - started < DRAIN_LIMIT:
            if not self.broker.counts():
                return time.monotonic() - started
            if not all(w.alive() for w in self.workers):
                self.problems.append("a worker ended while the queue drained")
                break
            time.sleep(0.1)
        self.problems.append(f"messages left after {DRAIN_LIMIT:.0f} s: {self.broker.counts()}")
        return time.monotonic() - started

    def stop(self, those: list[Process], limit: float) -> None:
        for process in those:
            code = process.terminate(limit) if process.alive() else "gone before"
            if code != 0:
                self.problems.append(f"{process.name} did not end well on TERM: {code}")

    def clean_up(self) -> None:
        """Ends every process of this run, whatever happened, by its id."""
        for process in [*self.all.values(), self.burst]:
            if process.alive():
                process.kill()
        for pid in processes.with_text_in_command_line(str(self.store)):
            processes.kill_hard(pid)


def run_rounds(run: Run, rounds: int) -> float:
    for process in run.all.values():
        process.start()
    # A PostgreSQL that is killed while it makes unlogged tables may not come up again ("File exists"): its own fault.
    servers.wait_until(run.marks_made, 60, "the first task to run")
    started = time.monotonic()
    for n in range(1, rounds + 1):
        run.round()
        if n % 50 == 0 or n == rounds:
            print(f"  round {n} of {rounds}, {time.monotonic() - started:.0f} s", flush=True)
    run.stop(run.producers, 20)
    taken = run.drain()
    run.stop(run.workers, 30)
    left = processes.gone(processes.with_text_in_command_line(str(run.store)), 10)
    if left:
        run.problems.append(f"processes left behind: {sorted(left)}")
    return taken


def print_table(table: list[tuple[str, object]]) -> None:
    print()
    for what, value in table:
        print(f"  {what:<44} {value:>8}")
    print(
        "\n  Unconfirmed runs: the producer was killed after the store had the batch and before it wrote that down.\n"
        "  Runs beyond the first: the process died after the task's last step and before its acknowledgement was\n"
        "  stored, so it was delivered again: at least once."
    )


def judge(run: Run, drained_in: float) -> bool:
    sent, made = run.names_sent(), run.marks_made()
    results = dict(run.results.rows("SELECT task_id, status FROM result"))
    lost = [name for name in sent if name not in made]
    no_result = [name for name, task in sent.items() if name in made and results.get(task) != "SUCCESS"]
    again = {name: count for name, count in made.items() if count > 1}
    dead = run.broker.dead()
    claimed = run.broker.counts().get("claimed", 0)
    unconfirmed = sum(1 for name in made if name not in sent)
    table: list[tuple[str, object]] = [(f"kill -9 of a {kind}", count) for kind, count in sorted(run.kills.items())]
    table += [
        ("tasks whose send was confirmed", len(sent)),
        ("  of them ran at least once", len(sent) - len(lost)),
        ("  of them LOST", len(lost)),
        ("  of them ran and have no result", len(no_result)),
        ("ran, though the send was never confirmed", unconfirmed),
        ("ran more than once", len(again)),
        ("  runs beyond the first", sum(again.values()) - len(again)),
        ("still claimed", claimed),
        ("in the dead set", sum(count for _, count in dead)),
        ("seconds to drain", f"{drained_in:.1f}"),
    ]
    print_table(table)
    for name in lost[:10]:
        print(f"  LOST {name} {sent[name]}")
    for reason, count in dead:
        print(f"  dead: {count} x {reason}")
    for problem in run.problems:
        print(f"  problem: {problem}")
    if not sent or sum(run.kills.values()) == 0:
        run.problems.append("nothing was sent or nothing was killed")
        print("  problem: " + run.problems[-1])
    return not (lost or no_result or claimed or dead or run.problems)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--broker", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", help="default: the test's name")
    parser.add_argument("--keep", action="store_true", help="keep the store and the logs")
    args = parser.parse_args()
    seed = args.seed or f"chaos.kill_rounds.{args.rounds}"
    work = Path(tempfile.mkdtemp(prefix="lovage-chaos."))
    print(f"  {args.rounds} rounds, seed '{seed}', in {work}", flush=True)
    good = False
    with contextlib.ExitStack() as stack:
        broker = Postgres(stack.enter_context(servers.postgres())) if args.broker == "postgres" else None
        run = Run(args.build.resolve(), work, broker, random.Random(seed))
        stack.callback(run.clean_up)
        good = judge(run, run_rounds(run, args.rounds))
    if good and not args.keep:
        shutil.rmtree(work)
    else:
        print(f"  kept: {work}")
    print("  " + ("no task was lost" if good else "FAILED"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
