#!/usr/bin/env python3
"""Measures lovage on PostgreSQL beside graphile-worker, and prints a table.

usage: bench/postgres.py [BUILD_DIR] [--quick] [--rounds N]

Starts a PostgreSQL of its own in TMPDIR with the settings that it comes with (fsync on, synchronous_commit on, 128 MB of
buffers); makes the peer in BUILD_DIR/peers (bench/peers). All rows are measured in turn, so that a slow minute of the
machine meets them all; the table has the best and, in brackets, the median.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(SOURCE / "bench"), str(SOURCE / "tests/support")]  # both have a brokers.py: ours

import brokers  # noqa: E402
import run  # noqa: E402
import servers  # noqa: E402

PREFETCH = ("--prefetch-multiplier", "128")


def prepare_peer(place: Path) -> None:
    if not (place / "node_modules/graphile-worker").exists():
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--prefix", str(place), "--no-audit", "--no-fund", "--loglevel=error",
                        "graphile-worker@0.18.0"], check=True, stdout=sys.stderr)  # fmt: skip


class NoResults:
    """Nothing keeps results here: the tasks' are ignored."""

    def url(self, _: int) -> str:
        return "disabled"

    def flush(self) -> None:
        pass


class OnPostgres(brokers.Broker):
    def __init__(self, server, build: Path, work: Path) -> None:
        super().__init__(server, NoResults(), build, work)
        self.server.execute("CREATE DATABASE peer")

    def purge(self) -> None:
        if self.server.execute("SELECT to_regclass('lovage.message') IS NOT NULL") == "t":
            self.server.execute("TRUNCATE lovage.message, lovage.delayed")

    def left(self) -> int:
        # Each look counts what is left: a few times a second, not to be in the way.
        time.sleep(0.1)
        return int(self.server.execute("SELECT count(*) FROM lovage.message"))

    def drain(self, worker, count: int) -> float:
        """Tasks a second from the first that is done to the last, by the server's clock: the table is empty then."""
        self.clear()
        self.produce(self.results_url, "many", str(count), "ignore")
        self.server.execute("VACUUM ANALYZE lovage.message")
        return self.timed(worker(), count, self.left)

    def results_in_file(self) -> str:
        return f"sqlite:///{self.work}/results.db"

    def graphile(self, count: int) -> float:
        out = subprocess.run(["node", str(brokers.PEERS / "graphile_drain.js"), self.server.url("peer"), str(count)],
                             check=True, capture_output=True, text=True,
                             env={**os.environ, "NODE_PATH": str(self.build / "peers/node_modules")}).stdout  # fmt: skip
        got = brokers.pairs(out)
        return got["count"] / got["seconds"]


def rows(on: OnPostgres, scale) -> dict[str, brokers.Row]:
    many, few = scale(100_000), scale(5_000)
    threads = ("-P", "threads", "-c", "2", *PREFETCH)
    out: dict[str, brokers.Row] = {}

    def add(key: str, what: str, measure, unit: str = "/s", lower: bool = False) -> None:
        out[key] = brokers.Row(what, unit, measure, lower)

    add("drain", "drain: lovage, threads -c 2, prefetch 256", lambda: on.drain(lambda: on.lovage(*threads), many))
    add("graphile", "drain: graphile-worker 0.18, local queue of 500, 24 jobs at once", lambda: on.graphile(many))
    add("prefork", "drain: lovage, prefork -c 2, prefetch 256",
        lambda: on.drain(lambda: on.lovage("-P", "prefork", "-c", "2", *PREFETCH), many))  # fmt: skip
    add("default", "drain: lovage, threads -c 2, prefetch 8 (the default)",
        lambda: on.drain(lambda: on.lovage("-P", "threads", "-c", "2"), many // 2))  # fmt: skip
    add("many", "enqueue, send_many", lambda: on.enqueue("many", many))
    add("single", "enqueue, one delay after the other", lambda: on.enqueue("single", few))
    for quantile in ("p50", "p99"):
        add(quantile, f"one task sent and answered (results in a file), C++ client, {quantile}",
            lambda q=quantile: on.latency(q, on.results_in_file(), few), "ms", True)  # fmt: skip
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, nargs="?", default=SOURCE / "build/release")
    parser.add_argument("--quick", action="store_true", help="a rough look: a tenth of the tasks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="rows whose name has one of these words")
    args = parser.parse_args()
    build = args.build.resolve()
    prepare_peer(build / "peers")
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lovage-bench.")))
        server = stack.enter_context(servers.postgres(durable=True))
        table = rows(OnPostgres(server, build, work), lambda n: n // 10 if args.quick else n)
        brokers.measure(table, args.rounds, args.only)
    print(f"Machine: {run.machine()}; load when done {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d')}.\n")
    print("| what | best (median) |\n|---|---|")
    for row in table.values():
        if row.values or row.failed:
            print(f"| {row.what} | {row.text()} |")


if __name__ == "__main__":
    main()
