#!/usr/bin/env python3
"""Kills relays and workers at random moments while tasks go from an outbox to a broker, and counts what became of each.

usage: relay_rounds.py BUILD_DIR redis|rabbitmq [--outbox sqlite|postgres] [--rounds 20] [--seed TEXT] [--keep]

Producers write tasks into an outbox: the embedded store, where they note each whose commit returned; or PostgreSQL, where
each task is written with a row of another table in one transaction, and every fifth transaction is rolled back. Two
relays bring them to the broker, two workers run them; each run writes down its name and the text of the sending by which it came. In the
first half only relays are killed: every committed task then has exactly one run. In the second half workers die too,
and what they had begun is delivered again: more runs of a task are allowed, but all by one and the same sending.
"""

import argparse
import collections
import contextlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import processes  # noqa: E402
import servers  # noqa: E402
from processes import Process  # noqa: E402

BATCH, PAUSE_MS = 20, 50  # per producer: some 300 tasks a second
DRAIN_LIMIT = 120.0
WRITE_ORDERS = """DO $$ DECLARE serial int := 0; BEGIN
  LOOP
    FOR i IN 1..{batch} LOOP
      serial := serial + 1;
      INSERT INTO orders VALUES ('{name}-' || serial);
      PERFORM lovage.enqueue('chaos.sending', jsonb_build_array('{name}-' || serial, '{marks}', serial % 4));
    END LOOP;
    IF serial / {batch} % 5 = 4 THEN ROLLBACK; ELSE COMMIT; END IF;
    EXIT WHEN EXISTS (SELECT FROM closing);
    PERFORM pg_sleep({pause});
  END LOOP;
END $$"""


class Embedded:
    """An outbox in a file of the embedded store."""

    def __init__(self, build: Path, work: Path, results: str, marks: Path) -> None:
        self.file, self.confirmed = work / "outbox.db", work / "confirmed"
        self.url = f"sqlite:///{self.file}"  # four slashes: an absolute path
        sender = [str(build / "bin/chaos_sender"), self.url, results, "celery", str(marks), str(self.confirmed)]
        pace = [str(BATCH), str(PAUSE_MS), "3", "0", "sending"]
        self.producers = [Process(name, [*sender, name + "{start}", *pace], work / f"{name}.log", work) for name in "ab"]

    def end_producers(self) -> list[object]:
        return [process.terminate(20) for process in self.producers]

    def committed(self) -> set[str]:
        """A half line at the end confirms nothing."""
        lines = self.confirmed.read_text().splitlines() if self.confirmed.exists() else []
        pairs = (line.split(" ") for line in lines)
        return {pair[0] for pair in pairs if len(pair) == 2 and len(pair[1]) == 36}

    def left(self) -> int:
        with contextlib.closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=10)) as on:
            return on.execute("SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM dead)").fetchone()[0]


class Database:
    """An outbox in PostgreSQL, beside a table of the application's own."""

    def __init__(self, build: Path, work: Path, url: str, marks: Path) -> None:
        self.url = url
        subprocess.run([str(build / "bin/lovage"), "queues", "-b", url], check=True, capture_output=True)
        self.ask("CREATE TABLE orders(name text); CREATE TABLE closing(at int)")
        self.producers = [
            Process(name, ["psql", url, "-qXc", WRITE_ORDERS.format(name=name + "{start}", marks=marks, batch=BATCH,
                                                                    pause=PAUSE_MS / 1000)],
                    work / f"{name}.log", work) for name in "ab"
        ]  # fmt: skip

    def ask(self, query: str) -> list[str]:
        done = subprocess.run(["psql", self.url, "-qXAtc", query], check=True, capture_output=True, text=True)
        return done.stdout.split()

    def end_producers(self) -> list[object]:
        self.ask("INSERT INTO closing VALUES (1)")
        codes = [process.running.wait(20) for process in self.producers if process.running]
        self.ask("DELETE FROM closing")
        return codes

    def committed(self) -> set[str]:
        return set(self.ask("SELECT name FROM orders"))

    def left(self) -> int:
        return int(self.ask("SELECT (SELECT count(*) FROM lovage.message) + (SELECT count(*) FROM lovage.dead)")[0])


class Run:
    def __init__(self, build: Path, work: Path, broker: str, results: str, database: str | None,
                 chance: random.Random) -> None:  # fmt: skip
        self.work, self.chance = work, chance
        self.marks = work / "marks"
        self.outbox = Database(build, work, database, self.marks) if database else Embedded(build, work, results, self.marks)
        self.kills: collections.Counter[str] = collections.Counter()
        self.problems: list[str] = []
        program = str(build / "bin/lovage")
        relay = [program, "relay", self.outbox.url, "-b", broker, "-l", "info", "--batch"]
        worker = [program, "worker", "-A", str(build / "lib/libchaos_marks.so"), "-l", "info", "-c", "2", "-P"]
        tail = ["--", f"broker_url={broker}", f"result_backend={results}", "task_delivery_limit=1000"]
        self.relays = [self.process("relay1", [*relay, "50"]), self.process("relay2", [*relay, "500"])]
        self.workers = [
            self.process("prefork", [*worker, "prefork", "-n", "p{start}@chaos", *tail]),
            self.process("threads", [*worker, "threads", "-n", "t{start}@chaos", *tail]),
        ]
        self.producers = self.outbox.producers

    def process(self, name: str, command: list[str]) -> Process:
        return Process(name, command, self.work / f"{name}.log", self.work)

    def all(self) -> list[Process]:
        return [*self.producers, *self.relays, *self.workers]

    def rounds(self, count: int, victims: list[Process]) -> None:
        """Produces, kills, and waits until everything has come through."""
        for process in self.producers:
            process.start()
        for _ in range(count):
            time.sleep(self.chance.uniform(0.1, 0.7))
            victim = self.chance.choice(victims)
            victim.kill()
            self.kills["relay" if victim in self.relays else "worker"] += 1
            victim.start()
        for code in self.outbox.end_producers():
            if code != 0:
                self.problems.append(f"a producer did not end well: {code}")
        self.drain()

    def drain(self) -> None:
        def came_through() -> bool:
            return not self.outbox.committed() - set(self.runs()) and self.outbox.left() == 0

        try:
            servers.wait_until(came_through, DRAIN_LIMIT, "tasks come through", every=0.2)
        except TimeoutError as vain:
            self.problems.append(f"{vain}; {self.outbox.left()} are left in the outbox")
        for process in [*self.relays, *self.workers]:
            if not process.alive():
                self.problems.append(f"{process.name} ended by itself, see {process.log}")

    def runs(self) -> dict[str, list[str]]:
        """Name to the sendings of its runs."""
        out: dict[str, list[str]] = collections.defaultdict(list)
        for line in self.marks.read_text().splitlines() if self.marks.exists() else []:
            name, _, sending = line.partition(" ")
            out[name].append(sending)
        return out

    def stop(self, those: list[Process], limit: float) -> None:
        for process in those:
            code = process.terminate(limit) if process.alive() else "gone before"
            if code != 0:
                self.problems.append(f"{process.name} did not end well on TERM: {code}")

    def recognised(self) -> int:
        """Second sendings that workers told of in their logs."""
        return sum(w.log.read_text(errors="replace").count("was sent more than once") for w in self.workers)

    def clean_up(self) -> None:
        for process in self.all():
            if process.alive():
                process.kill()
        for pid in processes.with_text_in_command_line(str(self.work)):
            processes.kill_hard(pid)


def judge(run: Run, calm: set[str]) -> bool:
    """`calm`: the tasks of the half in which no worker died."""
    committed, runs = run.outbox.committed(), run.runs()
    rolled_back = set(runs) - committed if isinstance(run.outbox, Database) else set()
    lost = [name for name in committed if name not in runs]
    twice = [name for name in calm if len(runs[name]) > 1]
    mixed = [name for name, sendings in runs.items() if len(set(sendings)) > 1]
    unmarked = [name for name, sendings in runs.items() if "" in sendings]
    again = sum(len(sendings) - 1 for sendings in runs.values())
    table = [(f"kill -9 of a {kind}", count) for kind, count in sorted(run.kills.items())]
    table += [
        ("tasks whose commit was confirmed", len(committed)),
        ("  of them ran", len(committed) - len(lost)),
        ("  of them LOST", len(lost)),
        ("of the half without dead workers: ran TWICE", len(twice)),
        ("ran by two different sendings", len(mixed)),
        ("ran though it was ROLLED BACK", len(rolled_back)),
        ("second sendings that were recognised", run.recognised()),
        ("runs that a worker's death repeated", again),
    ]
    for what, value in table:
        print(f"  {what:<48} {value:>8}")
    for problem in run.problems:
        print(f"  problem: {problem}")
    if len(calm) < 100 or unmarked:
        run.problems.append(f"{len(calm)} tasks in the first half, {len(unmarked)} without a sending's text")
        print("  problem: " + run.problems[-1])
    return not (lost or twice or mixed or rolled_back or run.problems)


def run_all(run: Run, rounds: int) -> bool:
    for process in [*run.relays, *run.workers]:
        process.start()
    run.rounds(rounds // 2, run.relays)
    calm = run.outbox.committed()
    run.rounds(rounds - rounds // 2, [*run.relays, *run.workers])
    run.stop(run.relays, 20)
    run.stop(run.workers, 30)
    left = processes.gone(processes.with_text_in_command_line(str(run.work)), 10)
    if left:
        run.problems.append(f"processes left behind: {sorted(left)}")
    return judge(run, calm)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("broker", choices=["redis", "rabbitmq"])
    parser.add_argument("--outbox", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", help="default: the test's name")
    parser.add_argument("--keep", action="store_true", help="keep the store and the logs")
    args = parser.parse_args()
    seed = args.seed or f"chaos.relay.{args.outbox}.{args.broker}.{args.rounds}"
    work = Path(tempfile.mkdtemp(prefix="lovage-relay."))
    print(f"  {args.rounds} rounds from {args.outbox} to {args.broker}, seed '{seed}', in {work}", flush=True)
    good = False
    with contextlib.ExitStack() as kept:
        redis = kept.enter_context(servers.redis())
        broker = redis.url(0) if args.broker == "redis" else kept.enter_context(servers.rabbitmq()).url()
        database = kept.enter_context(servers.postgres()).url() if args.outbox == "postgres" else None
        run = Run(args.build.resolve(), work, broker, redis.url(1), database, random.Random(seed))
        try:
            good = run_all(run, args.rounds)
        finally:
            run.clean_up()
    if good and not args.keep:
        shutil.rmtree(work)
    else:
        print(f"  kept: {work}")
    print("  " + ("every committed task ran, none by two sendings" if good else "FAILED"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
