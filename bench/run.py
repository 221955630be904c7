#!/usr/bin/env python3
"""Measures lovage on the embedded store and prints docs/benchmarks.md's tables.

usage: bench/run.py [BUILD_DIR] [--quick] [--only WORD ...]

Each figure is the best of three runs (--quick: one run, fewer tasks): what the machine can do when nothing else wants
it. Every store is fresh, in TMPDIR.
"""

import argparse
import os
import platform
import resource
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent


def descendants(of: int) -> list[int]:
    tree: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            tree[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    out, level = [], {of}
    while level:
        level = {pid for pid, parent in tree.items() if parent in level}
        out += sorted(level)
    return out


def kib(pid: int, file: str, *keys: str) -> int:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.split(":")[0] in keys)


def cpu_seconds(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass
class Store:
    """A fresh store and what is done to it."""

    build: Path
    work: Path
    options: str = ""
    procs: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.work}/store.db{self.options}"

    def produce(self, *args: str) -> dict[str, float]:
        out = subprocess.run(
            [str(self.build / "bin/bench_producer"), self.url, self.url, *args],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        return {key: float(val) for key, _, val in (pair.partition("=") for pair in out.split())}

    @contextmanager
    def worker(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        log = self.work / "worker.log"
        plugin = str(self.build / "lib/libbench_noop.so")
        command = [str(self.build / "bin/lovage"), "worker", "-A", plugin, "-f", str(log), *options]
        with (self.work / "banner").open("w") as out:
            process = subprocess.Popen(
                [*command, "--", f"broker_url={self.url}", f"result_backend={self.url}"],
                stdout=out, stderr=out, text=True, cwd=self.work,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            if process.wait(60) != 0:
                print(f"  worker ended with {process.returncode}: {log.read_text()[-400:]}", file=sys.stderr)

    def lowest(self, on: sqlite3.Connection) -> int | None:
        return on.execute("SELECT min(id) FROM message").fetchone()[0]

    def drain(self, count: int, ignore: bool, *options: str) -> float:
        """Tasks a second, from the first that is done to the last."""
        self.produce("many", str(count), *(["ignore"] if ignore else []))
        with sqlite3.connect(f"file:{self.work}/store.db?mode=ro", uri=True, timeout=30) as on:
            first = self.lowest(on)
            with self.worker(*options):
                while self.lowest(on) == first:
                    time.sleep(0.002)
                started = time.monotonic()
                done_before = (self.lowest(on) or first + count) - first
                while self.lowest(on) is not None:
                    time.sleep(0.005)
                return (count - done_before) / (time.monotonic() - started)


class Bench:
    def __init__(self, build: Path, quick: bool, only: list[str]) -> None:
        self.build, self.quick, self.only = build, quick, only
        self.rows: list[tuple[str, str, str]] = []

    @contextmanager
    def store(self, options: str = "") -> Iterator[Store]:
        with tempfile.TemporaryDirectory(prefix="lovage-bench.") as work:
            yield Store(self.build, Path(work), options)

    def tasks(self, count: int) -> int:
        return count // 10 if self.quick else count

    def add(self, what: str, goal: str, measure: Callable[[], float], unit: str, best: Callable = max) -> None:
        if self.only and not any(word in what for word in self.only):
            return
        try:
            value = best(measure() for _ in range(1 if self.quick else 3))
            text = f"{value:,.0f}{unit}" if value >= 100 else f"{value:.2f}{unit}"
        except (subprocess.SubprocessError, OSError, sqlite3.Error) as e:
            text = f"not measured: {e}"
        self.rows.append((what, goal, text))
        print(f"  {what}: {text}", file=sys.stderr, flush=True)

    def drain(self, count: int, ignore: bool, *options: str, store: str = "") -> float:
        with self.store(store) as s:
            return s.drain(self.tasks(count), ignore, *options)

    def produce(self, mode: str, count: int, store: str = "") -> float:
        with self.store(store) as s:
            n = self.tasks(count)
            return n / s.produce(mode, str(n))["seconds"]

    def latency(self, quantile: str, *options: str, store: str = "") -> float:
        with self.store(store) as s, s.worker(*options):
            return s.produce("latency", str(self.tasks(5000)))[quantile]

    def peak_memory(self, queued: int) -> float:
        """MiB at most within five seconds of work, with this many tasks queued."""
        with self.store() as s:
            s.produce("many", str(queued), "ignore")
            with s.worker("-P", "threads", "-c", "2") as process:
                time.sleep(5)
                return kib(process.pid, "status", "VmHWM") / 1024

    def after_work(self, measure: Callable[[int, list[int]], float], children: int = 4) -> float:
        """Of a prefork worker that has done some work: its pid and its pool children's."""
        with self.store() as s, s.worker("-P", "prefork", "-c", str(children)) as process:
            s.produce("latency", "200")
            tree = descendants(process.pid)
            leaves = [pid for pid in tree if not descendants(pid)]
            return measure(process.pid, leaves)

    def idle_cpu(self, *options: str) -> float:
        seconds = 5 if self.quick else 20
        with self.store() as s, s.worker(*options) as process:
            s.produce("latency", "50")
            pids = [process.pid, *descendants(process.pid)]
            before = cpu_seconds(pids)
            time.sleep(seconds)
            return (cpu_seconds(pids) - before) / seconds * 100

    def compile_time(self, level: str, wall: bool) -> float:
        """Seconds on the clock, or of the processor: those grow less when others use the machine."""
        with tempfile.TemporaryDirectory() as out:
            command = ["g++", "-std=c++20", level, "-fPIC", "-shared", "-fvisibility=hidden", f"-I{SOURCE}/include"]
            before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            subprocess.run([*command, f"{SOURCE}/bench/four_tasks.cpp", "-o", f"{out}/four.so"], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if wall:
                return time.monotonic() - started
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def private_mib(_: int, children: list[int]) -> float:
    each = [kib(pid, "smaps_rollup", "Private_Clean", "Private_Dirty") for pid in children]
    return statistics.mean(each) / 1024


def measure_all(b: Bench) -> None:
    threads, prefork, no_limit = ("-P", "threads", "-c"), ("-P", "prefork", "-c"), ("--prefetch-multiplier", "0")
    b.add("drain, threads -c 2, prefetch 0, no results", "25,000/s",
          lambda: b.drain(200_000, True, *threads, "2", *no_limit), "/s")  # fmt: skip
    b.add("drain, threads -c 2, prefetch 0, with results", "10,000/s",
          lambda: b.drain(100_000, False, *threads, "2", *no_limit), "/s")  # fmt: skip
    for children in ("2", "4"):
        for multiplier in ("4", "64", "0"):
            goal = "15,000/s" if multiplier == "0" else ""
            b.add(f"drain, prefork -c {children}, prefetch {multiplier}, no results", goal,
                  lambda c=children, m=multiplier: b.drain(100_000, True, *prefork, c, "--prefetch-multiplier", m),
                  "/s")  # fmt: skip
    b.add("drain, prefork -c 2, prefetch 0, with results", "",
          lambda: b.drain(50_000, False, *prefork, "2", *no_limit), "/s")  # fmt: skip
    b.add("send_many", "50,000/s", lambda: b.produce("many", 200_000), "/s")
    b.add("single delay", "8,000/s", lambda: b.produce("single", 20_000), "/s")
    for name, options in (("threads -c 2", (*threads, "2")), ("prefork -c 2", (*prefork, "2"))):
        for quantile, goal in (("p50", "1 ms"), ("p99", "10 ms")):
            b.add(f"send to result, {name}, {quantile}", goal, lambda o=options, q=quantile: b.latency(q, *o), " ms",
                  min)  # fmt: skip
    full = "?synchronous=full"
    b.add("synchronous=full: drain, threads -c 2, prefetch 0, no results", "",
          lambda: b.drain(100_000, True, *threads, "2", *no_limit, store=full), "/s")  # fmt: skip
    b.add("synchronous=full: send_many", "", lambda: b.produce("many", 100_000, full), "/s")
    b.add("synchronous=full: single delay", "", lambda: b.produce("single", 2_000, full), "/s")
    b.add("synchronous=full: send to result, threads -c 2, p50", "",
          lambda: b.latency("p50", *threads, "2", store=full), " ms", min)  # fmt: skip
    for count, goal in ((0, ""), (10_000, ""), (100_000, ""), (1_000_000, "as with none")):
        n = b.tasks(count)
        b.add(f"worker at work for 5 s, peak memory, {n:,} tasks queued", goal, lambda n=n: b.peak_memory(n), " MiB",
              min)  # fmt: skip
    b.add("worker's own process (prefork -c 4), resident", "30 MiB",
          lambda: b.after_work(lambda pid, _: kib(pid, "status", "VmRSS") / 1024), " MiB", min)  # fmt: skip
    b.add("pool child, private memory", "5 MiB", lambda: b.after_work(private_mib), " MiB", min)
    b.add("idle worker, threads -c 2, of one core", "0.5 %", lambda: b.idle_cpu(*threads, "2"), " %", min)
    b.add("idle worker, prefork -c 2, of one core", "0.5 %", lambda: b.idle_cpu(*prefork, "2"), " %", min)
    for level in ("-O0", "-O2"):
        b.add(f"compile a plug-in of four tasks, {level}, wall", "2 s", lambda o=level: b.compile_time(o, True), " s",
              min)  # fmt: skip
        b.add(f"compile a plug-in of four tasks, {level}, CPU", "", lambda o=level: b.compile_time(o, False), " s",
              min)  # fmt: skip


def machine() -> str:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())
    memory = kib_total() / 1024 / 1024
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}"


def kib_total() -> int:
    return int(Path("/proc/meminfo").read_text().split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, nargs="?", default=SOURCE / "build/release")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    args = parser.parse_args()
    bench = Bench(args.build.resolve(), args.quick, args.only)
    measure_all(bench)
    print(f"Machine: {machine()}; load when done {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d')}.\n")
    print("Command: `bench/run.py" + (" --quick" if args.quick else "") + "`\n")
    print("| what | goal | measured |\n|---|---|---|")
    for what, goal, text in bench.rows:
        print(f"| {what} | {goal} | {text} |")


if __name__ == "__main__":
    main()
