#!/usr/bin/env python3
"""Measures lovage on RabbitMQ and Redis beside Celery, BullMQ and a bare librabbitmq loop, and prints a table.

usage: bench/brokers.py [BUILD_DIR] [--quick] [--only WORD ...]

Starts the servers itself, on free loopback ports and in TMPDIR; makes the peers in BUILD_DIR/peers (bench/peers). All
measurements are taken in turn, three times over (--quick: once, fewer tasks), so that a slow minute of the machine
meets them all; the table has the best and, in brackets, the median.
"""

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
PEERS = SOURCE / "bench/peers"
sys.path[:0] = [str(SOURCE / "tests/support"), str(SOURCE / "bench")]


def in_peers_environment(build: Path) -> None:
    """Starts this program again in the Python that has Celery's and the brokers' packages."""
    place = build / "peers"
    if Path(sys.prefix).resolve() == (place / "venv").resolve():
        return
    subprocess.run([str(PEERS / "prepare.sh"), str(place)], check=True, stdout=sys.stderr)
    python = str(place / "venv/bin/python")
    os.execv(python, [python, *sys.argv])


@dataclass
class Row:
    """One line of the table."""

    what: str
    unit: str
    measure: Callable[[], float]
    lower_is_better: bool = False
    values: list[float] = field(default_factory=list)
    failed: str = ""

    @property
    def best(self) -> float:
        return min(self.values) if self.lower_is_better else max(self.values)

    def text(self) -> str:
        if not self.values:
            return f"not measured: {self.failed}"
        form = "{:,.0f}" if self.best >= 100 else "{:.2f}"
        return f"{form.format(self.best)} {self.unit} ({form.format(statistics.median(self.values))})"


class Broker:
    """One server, seen from outside: how many messages are left."""

    def __init__(self, server, results, build: Path, work: Path) -> None:
        self.server, self.results, self.build, self.work = server, results, build, work
        self.results_url = results.url(1)
        self.serial = 0

    @property
    def url(self) -> str:
        return self.server.url()

    def produce(self, results: str, *args: str, to: str = "") -> dict[str, float]:
        out = subprocess.run([str(self.build / "bin/bench_producer"), to or self.url, results, *args], check=True,
                             capture_output=True, text=True).stdout  # fmt: skip
        return pairs(out)

    @contextlib.contextmanager
    def running(self, command: list[str], **environment: str) -> Iterator[subprocess.Popen]:
        self.serial += 1
        log = self.work / f"worker{self.serial}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=PEERS, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       env={**os.environ, **environment})  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if code != 0:
                print(f"  {command[0]} ended with {code}: {log.read_text(errors='replace')[-400:]}", file=sys.stderr)

    def lovage(self, *options: str, results: str = ""):
        return self.running([
            str(self.build / "bin/lovage"), "worker", "-A", str(self.build / "lib/libbench_noop.so"), "-l", "warning",
            *options, "--", f"broker_url={self.url}", f"result_backend={results or self.results_url}",
        ])  # fmt: skip

    def celery(self, results: str = ""):
        return self.running(
            [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "-P", "prefork", "-c", "2", "-l", "warning",
             "--without-gossip", "--without-mingle"],
            BENCH_BROKER=self.url, BENCH_RESULTS=results,
        )  # fmt: skip

    def clear(self) -> None:
        self.purge()
        self.results.flush()

    def timed(self, worker, total: int, left: Callable[[], int]) -> float:
        """A second, from the first that is done to the last."""
        with worker as process:
            while (at_first := left()) == total:
                self.alive(process)
                time.sleep(0.01)
            began = time.monotonic()
            while left() > 0:
                self.alive(process)
                time.sleep(0.02)
            return at_first / (time.monotonic() - began)

    def alive(self, process: subprocess.Popen) -> None:
        if process.poll() is not None:
            raise OSError(f"the worker ended with {process.returncode}")

    def drain(self, worker: Callable, count: int) -> float:
        """Tasks whose results are ignored, until no message is left."""
        self.clear()
        self.produce(self.results_url, "many", str(count), "ignore")
        return self.timed(worker(), count, self.left)

    def drain_values(self, worker: Callable, count: int) -> float:
        """Tasks that return a value, until every result is there and no message left."""
        self.clear()
        self.produce(self.results_url, "values", str(count))
        return self.timed(worker(), count, lambda: max(count - self.results.count(), self.left()))

    def drain_chains(self, worker: Callable, count: int, steps: int) -> float:
        """Steps a second, until the result of every step is there and no message left."""
        self.clear()
        self.produce(self.results_url, "chains", str(count), str(steps))
        return self.timed(worker(), count * steps, lambda: max(count * steps - self.results.count(), self.left()))

    def chords(self, worker: Callable, count: int, members: int) -> float:
        """Members a second, of chords that are sent one after the other, each when the one before has answered."""
        self.clear()
        with worker():
            return count * members / self.produce(self.results_url, "chords", str(count), str(members))["seconds"]

    def step(self, count: int, steps: int) -> float:
        """From sent to answered: a chain, by its steps, to a single task. Both in turn, medians."""
        self.clear()
        with self.lovage("-P", "threads", "-c", "2"):
            return self.produce(self.results_url, "steps", str(count), str(steps))["ratio"]

    def latency(self, quantile: str, results: str, count: int) -> float:
        self.clear()
        with self.lovage("-P", "threads", "-c", "2", results=results):
            return self.produce(results, "latency", str(count))[quantile]

    def enqueue(self, how: str, count: int) -> float:
        self.clear()
        return count / self.produce(self.results_url, how, str(count), "ignore")["seconds"]

    def relay(self, count: int) -> float:
        """From a full outbox, a file, until all are here."""
        self.clear()
        outbox = f"sqlite:///{self.work}/outbox{self.serial}.db"
        self.produce(self.results_url, "many", str(count), "ignore", to=outbox)
        relay = self.running([str(self.build / "bin/lovage"), "relay", outbox, "-b", self.url])
        return self.timed(relay, count, lambda: count - self.left())


class Results:
    """The Redis that keeps results, in database 1."""

    def __init__(self, server) -> None:
        import redis

        self.server = server
        self.client = redis.Redis(port=server.port, db=1)

    def url(self, db: int) -> str:
        return self.server.url(db)

    def count(self) -> int:
        return self.client.dbsize()

    def flush(self) -> None:
        self.client.flushdb()


class OnRabbit(Broker):
    def channel(self):
        import amqp

        connection = amqp.Connection(f"127.0.0.1:{self.server.port}", "guest", "guest")
        connection.connect()
        return connection.channel()

    def purge(self) -> None:
        import amqp

        with contextlib.suppress(amqp.exceptions.NotFound):
            self.channel().queue_purge("celery")
        self.counting = self.channel()

    def left(self) -> int:
        return self.counting.queue_declare("celery", passive=True).message_count

    def bare(self, count: int, every: int) -> float:
        self.clear()
        self.produce(self.results_url, "many", str(count), "ignore")
        out = subprocess.run([str(self.build / "bin/bare_rabbitmq"), str(self.server.port), "celery", str(count), str(every)],
                             check=True, capture_output=True, text=True).stdout  # fmt: skip
        return (count - 1) / pairs(out)["seconds"]


class OnRedis(Broker):
    def purge(self) -> None:
        import redis

        self.client = redis.Redis(port=self.server.port, db=0)
        self.client.flushdb()

    def left(self) -> int:
        return self.client.llen("celery") + self.client.hlen("unacked")

    def bullmq(self, count: int) -> float:
        self.clear()
        out = subprocess.run(["node", str(PEERS / "bullmq_drain.js"), str(self.server.port), str(count), "100"], check=True,
                             capture_output=True, text=True,
                             env={**os.environ, "NODE_PATH": str(self.build / "peers/node_modules")}).stdout  # fmt: skip
        got = pairs(out)
        return got["count"] / got["seconds"]


def pairs(line: str) -> dict[str, float]:
    return {key: float(value) for key, _, value in (pair.partition("=") for pair in line.split())}


THREADS = ("-P", "threads", "-c", "2", "--prefetch-multiplier", "128")  # prefetch 256
PREFORK = ("-P", "prefork", "-c", "2", "--prefetch-multiplier", "128")


def rows(rabbit: OnRabbit, redis: OnRedis, scale: Callable[[int], int]) -> dict[str, Row]:
    many, some, few = scale(200_000), scale(100_000), scale(10_000)
    out: dict[str, Row] = {}

    def add(key: str, what: str, measure: Callable[[], float], unit: str = "/s", lower: bool = False) -> None:
        out[key] = Row(what, unit, measure, lower)

    add("rabbit", "RabbitMQ, drain: lovage, threads -c 2, prefetch 256",
        lambda: rabbit.drain(lambda: rabbit.lovage(*THREADS), many))  # fmt: skip
    add("rabbit events", "RabbitMQ, drain: lovage, threads -c 2, prefetch 256, with events (-E)",
        lambda: rabbit.drain(lambda: rabbit.lovage(*THREADS, "-E"), many))  # fmt: skip
    add("rabbit prefork", "RabbitMQ, drain: lovage, prefork -c 2, prefetch 256",
        lambda: rabbit.drain(lambda: rabbit.lovage(*PREFORK), many))  # fmt: skip
    add("rabbit bare", "RabbitMQ, drain: bare librabbitmq, prefetch 256, an ack each", lambda: rabbit.bare(many, 1))
    add("rabbit bare 64", "RabbitMQ, drain: bare librabbitmq, prefetch 256, an ack for 64", lambda: rabbit.bare(many, 64))
    add("rabbit celery", "RabbitMQ, drain: Celery, prefork -c 2", lambda: rabbit.drain(rabbit.celery, few))
    add("redis", "Redis, drain: lovage, threads -c 2, prefetch 256",
        lambda: redis.drain(lambda: redis.lovage(*THREADS), many))  # fmt: skip
    add("redis events", "Redis, drain: lovage, threads -c 2, prefetch 256, with events (-E)",
        lambda: redis.drain(lambda: redis.lovage(*THREADS, "-E"), many))  # fmt: skip
    add("redis prefork", "Redis, drain: lovage, prefork -c 2, prefetch 256",
        lambda: redis.drain(lambda: redis.lovage(*PREFORK), many))  # fmt: skip
    add("redis bullmq", "Redis, drain: BullMQ, concurrency 100", lambda: redis.bullmq(some))
    add("redis celery", "Redis, drain: Celery, prefork -c 2", lambda: redis.drain(redis.celery, few))
    add("redis values", "Redis, broker and results, tasks that return a value: lovage, threads -c 2",
        lambda: redis.drain_values(lambda: redis.lovage(*THREADS), some))  # fmt: skip
    add("redis values celery", "Redis, broker and results, tasks that return a value: Celery, prefork -c 2",
        lambda: redis.drain_values(lambda: redis.celery(redis.results_url), few))  # fmt: skip
    add("chains", "Redis, chains of 10 steps, steps: lovage, threads -c 2",
        lambda: redis.drain_chains(lambda: redis.lovage(*THREADS), some // 10, 10))  # fmt: skip
    add("chains celery", "Redis, chains of 10 steps, steps: Celery, prefork -c 2",
        lambda: redis.drain_chains(lambda: redis.celery(redis.results_url), few // 10, 10))  # fmt: skip
    add("step", "Redis, chains of 10 steps, sent and answered: a step to a single task",
        lambda: redis.step(scale(1_000), 10), "", True)  # fmt: skip
    add("chords", "Redis, chords of 1,000 members, members: lovage, threads -c 2",
        lambda: redis.chords(lambda: redis.lovage(*THREADS), scale(20), 1_000))  # fmt: skip
    add("chords celery", "Redis, chords of 1,000 members, members: Celery, prefork -c 2",
        lambda: redis.chords(lambda: redis.celery(redis.results_url), max(1, scale(3)), 1_000))  # fmt: skip
    for broker, name, results in ((redis, "Redis", redis.results_url), (rabbit, "RabbitMQ", "rpc://")):
        for quantile in ("p50", "p99"):
            add(f"{name.lower()} {quantile}", f"{name}, one task sent and answered, C++ client, {quantile}",
                lambda b=broker, q=quantile, r=results: b.latency(q, r, scale(5_000)), "ms", True)  # fmt: skip
    add("rabbit many", "RabbitMQ, enqueue, confirmed, send_many", lambda: rabbit.enqueue("many", some))
    add("rabbit single", "RabbitMQ, enqueue, confirmed, one delay after the other", lambda: rabbit.enqueue("single", few))
    add("rabbit relay", "RabbitMQ, confirmed, from an outbox in a file: lovage relay", lambda: rabbit.relay(some))
    add("redis relay", "Redis, from an outbox in a file: lovage relay", lambda: redis.relay(some))
    add("redis many", "Redis, enqueue, send_many", lambda: redis.enqueue("many", many))
    add("redis single", "Redis, enqueue, one delay after the other", lambda: redis.enqueue("single", few))
    return out


# What must be reached: (row, its goal as text, the least or most that will do).
def goals(r: dict[str, Row]) -> list[tuple[str, str, Callable[[], float], float]]:
    return [
        ("RabbitMQ: lovage to bare librabbitmq (an ack each)", "≥ 0.9",
         lambda: max(r["rabbit"].best, r["rabbit prefork"].best) / r["rabbit bare"].best, 0.9),
        ("RabbitMQ: lovage to Celery", "≥ 8", lambda: r["rabbit"].best / r["rabbit celery"].best, 8),
        ("RabbitMQ: events on to off", "≥ 0.85", lambda: r["rabbit events"].best / r["rabbit"].best, 0.85),
        ("Redis: events on to off", "≥ 0.85", lambda: r["redis events"].best / r["redis"].best, 0.85),
        ("Redis: lovage", "≥ 40,000/s", lambda: r["redis"].best, 40_000),
        ("Redis: lovage to BullMQ", "≥ 3", lambda: r["redis"].best / r["redis bullmq"].best, 3),
        ("Redis: lovage to Celery", "≥ 25", lambda: r["redis"].best / r["redis celery"].best, 25),
        ("Redis, broker and results", "≥ 20,000/s", lambda: r["redis values"].best, 20_000),
        ("Redis, a step of a chain to a single task, both sent and answered", "≤ 1.3", lambda: r["step"].best, -1.3),
        ("Redis, chains: lovage to Celery", "≥ 5", lambda: r["chains"].best / r["chains celery"].best, 5),
        ("Redis, chords of 1,000 members, members", "≥ 10,000/s", lambda: r["chords"].best, 10_000),
        ("Redis, chords: lovage to Celery", "≥ 5", lambda: r["chords"].best / r["chords celery"].best, 5),
        ("Redis, sent and answered, p50", "≤ 0.5 ms", lambda: r["redis p50"].best, -0.5),
        ("RabbitMQ, sent and answered, p50", "≤ 1 ms", lambda: r["rabbitmq p50"].best, -1),
        ("Redis, sent and answered, p99", "≤ 5 ms", lambda: r["redis p99"].best, -5),
        ("RabbitMQ, sent and answered, p99", "≤ 5 ms", lambda: r["rabbitmq p99"].best, -5),
        ("RabbitMQ, enqueue, confirmed", "≥ 10,000/s", lambda: r["rabbit many"].best, 10_000),
        ("Redis, enqueue with send_many", "≥ 50,000/s", lambda: r["redis many"].best, 50_000),
    ]  # fmt: skip


def measure(table: dict[str, Row], rounds: int, only: list[str]) -> None:
    for n in range(rounds):
        for row in table.values():
            if only and not any(word in row.what for word in only):
                continue
            try:
                row.values.append(row.measure())
                shown = f"{row.values[-1]:,.2f} {row.unit}"
            except (subprocess.SubprocessError, OSError) as e:
                told = getattr(e, "stderr", None) or e
                row.failed = shown = f"{type(e).__name__}: {str(told).strip()[-300:]}"
            print(f"  {n + 1}: {row.what}: {shown}", file=sys.stderr, flush=True)


def print_tables(table: dict[str, Row]) -> None:
    print("| what | best (median) |\n|---|---|")
    for row in table.values():
        if row.values or row.failed:
            print(f"| {row.what} | {row.text()} |")
    print("\n| goal | must reach | reached | |\n|---|---|---|---|")
    for what, goal, value, bound in goals(table):
        try:
            got = value()
        except ValueError:  # a row without values
            continue
        good = got >= bound if bound > 0 else got <= -bound
        form = f"{got:,.0f}" if got >= 100 else f"{got:.2f}"
        print(f"| {what} | {goal} | {form} | {'yes' if good else 'NO'} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, nargs="?", default=SOURCE / "build/release")
    parser.add_argument("--quick", action="store_true", help="a rough look: one round of a tenth")
    parser.add_argument("--only", nargs="*", default=[], help="rows whose name has one of these words")
    args = parser.parse_args()
    build = args.build.resolve()
    in_peers_environment(build)
    import run
    import servers

    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lovage-bench.")))
        store = stack.enter_context(servers.redis())
        rabbit = stack.enter_context(servers.rabbitmq())
        results = Results(store)
        table = rows(OnRabbit(rabbit, results, build, work), OnRedis(store, results, build, work),
                     lambda n: n // 10 if args.quick else n)  # fmt: skip
        measure(table, 1 if args.quick else 3, args.only)
    print(f"Machine: {run.machine()}; load when done {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d')}.\n")
    print_tables(table)


if __name__ == "__main__":
    main()
