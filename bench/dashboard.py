#!/usr/bin/env python3
"""Loads `lovage web` as a busy site with many watchers does, and prints docs/guide/dashboard.md's table.

usage: bench/dashboard.py [BUILD_DIR] [--minutes 10] [--events 1000] [--watchers 200] [--history FILE]

A Redis of its own, a lovage worker with events, and tasks sent evenly: each tells of four events (sent, received,
started, succeeded). So many watchers hold the live stream open and read it as pages do; another client asks once a
second for the overview and for pages of tasks. With --history the dashboard begins with a copy of that file (made by
history_bench). Ends with 1 when an event is missing, a stream broke, or memory grew.
"""

import argparse
import contextlib
import itertools
import json
import multiprocessing
import os
import selectors
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(SOURCE / "bench"), str(SOURCE / "tests/chaos"), str(SOURCE / "tests/support")]

import memory  # noqa: E402
import run  # noqa: E402
import servers  # noqa: E402

EVENTS_OF_A_TASK = 4
MAY_GROW = 0.05  # its allocator gives pages back now and then: what it holds goes up and down by as much
WARM_UP = 180.0  # until caches are full
QUESTIONS = {
    "overview": "/api/v1/overview",
    "tasks, newest": "/api/v1/tasks?limit=50",
    "tasks, slowest": "/api/v1/tasks?limit=50&order=-runtime",
    "tasks, by state": "/api/v1/tasks?limit=50&state=SUCCESS",
    "tasks, by text": "/api/v1/tasks?limit=50&q=bench",
    "tasks, by a number": "/api/v1/tasks?limit=50&q=1234",
    "workers": "/api/v1/workers",
}


@contextlib.contextmanager
def program(log: Path, *command: str) -> Iterator[subprocess.Popen]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent,
                                   preexec_fn=servers.die_with_parent)  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        if process.wait() != 0:
            print(f"{command[0]} ended with {process.returncode}: {log.read_text(errors='replace')[-400:]}", file=sys.stderr)


def watch(port: int, count: int, over, told) -> None:
    """In a process of its own: listeners of the live stream. Tells how many broke, how much they read, and the longest
    that any of them was without a new overview."""
    every = selectors.DefaultSelector()
    last: dict[socket.socket, float] = {}
    tails: dict[socket.socket, bytes] = {}
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", port), timeout=30)
        s.sendall(f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        s.setblocking(False)
        every.register(s, selectors.EVENT_READ)
        last[s], tails[s] = time.monotonic(), b""
    octets, broken, longest = 0, 0, 0.0
    told.send("listening")
    mark = b"event: overview"
    while not over.is_set():
        for key, _ in every.select(0.2):
            s = key.fileobj
            data = s.recv(1 << 20)
            if not data:
                broken += 1
                every.unregister(s)
                continue
            octets += len(data)
            now = time.monotonic()
            if mark in tails[s] + data:
                longest, last[s] = max(longest, now - last[s]), now
            tails[s] = (tails[s] + data)[-len(mark) + 1 :]
    longest = max([longest, *(time.monotonic() - at for at in last.values())])
    told.send({"broken": broken, "octets": octets, "longest": longest})


class Dashboard:
    def __init__(self, port: int, pid: int) -> None:
        self.address, self.pid = f"http://127.0.0.1:{port}", pid
        self.took: dict[str, list[float]] = {name: [] for name in QUESTIONS}
        self.samples: list[memory.Sample] = []

    def ask(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            return answer.read()

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.ask("/healthcheck") == b"OK"
        return False

    def look(self, question: str) -> None:
        began = time.monotonic()
        self.ask(QUESTIONS[question])
        self.took[question].append((time.monotonic() - began) * 1e3)

    def pending(self) -> int:
        return json.loads(self.ask("/api/v1/overview"))["events"]["pending"]


def observe(web: Dashboard, sender: subprocess.Popen, began: float) -> None:
    """Until all is sent: two questions a second, and memory every five seconds."""
    minute = 0
    for turn, question in enumerate(itertools.cycle(list(QUESTIONS)[1:])):
        if sender.poll() is not None:
            return
        web.look("overview")
        web.look(question)
        at = time.monotonic() - began
        if turn % 5 == 0:
            web.samples.append(memory.sample(web.pid, at))
        if at // 60 > minute:
            minute = int(at // 60)
            print(f"  minute {minute}: {web.samples[-1].kib / 1024:.1f} MiB, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
        time.sleep(max(0.0, began + turn + 1 - time.monotonic()))


COUNTED = """SELECT count(*), sum(b.sent IS NOT NULL) + sum(b.received IS NOT NULL) + sum(b.started IS NOT NULL)
             + sum(b.succeeded IS NOT NULL) FROM body b JOIN task t USING (seq)
             WHERE t.seq > ? AND t.state = (SELECT id FROM word WHERE kind = 4 AND text = 'SUCCESS')"""


def kept(history: Path, after: int) -> tuple[int, int]:
    """Tasks that succeeded, and events of them that are in the history."""
    with contextlib.closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True, timeout=30)) as on:
        tasks, events = on.execute(COUNTED, (after,)).fetchone()
    return tasks, events or 0


def newest(history: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True, timeout=30)) as on:
        return on.execute("SELECT coalesce(max(seq), 0) FROM task").fetchone()[0]


def quantile(of: list[float], q: float) -> float:
    return sorted(of)[min(len(of) - 1, int(q * len(of)))]


class Report:
    def __init__(self) -> None:
        self.problems: list[str] = []
        print("| | |\n|---|---|")

    def row(self, what: str, text: str, fault: str = "") -> None:
        print(f"| {what} | {text} |", flush=True)
        if fault:
            self.problems.append(f"{what}: {fault}")


def report(web: Dashboard, tasks: int, found: tuple[int, int], seconds: float, watchers: int, heard: dict, cpu: float) -> list[str]:
    out = Report()
    sent = tasks * EVENTS_OF_A_TASK
    out.row("events sent", f"{sent:,} in {seconds:.0f} s, {sent / seconds:,.0f} a second")
    out.row("of these in the history", f"{found[1]:,}", "" if found == (tasks, sent) else f"{found[0]:,} tasks of {tasks:,}")
    out.row("watchers of the live stream", f"{watchers}, {heard['octets'] / seconds / 1e6:.1f} MB a second in all",
            f"{heard['broken']} broke" if heard["broken"] else "")  # fmt: skip
    out.row("longest that a watcher was without news", f"{heard['longest']:.1f} s", "" if heard["longest"] < 8 else "pages say that they are not connected")
    steady = [s for s in web.samples if s.at >= WARM_UP]
    each = [next((s for s in reversed(web.samples) if s.at <= 60 * m + 1), None) for m in range(1, int(seconds / 60) + 1)]
    out.row("resident memory at each minute, MiB", ", ".join(f"{s.kib / 1024:.1f}" for s in each if s))
    if len(steady) > 2:
        line = memory.fit(steady)
        out.row(f"the straight line through it after {WARM_UP / 60:.0f} minutes", f"{line.first_kib / 1024:.1f} MiB, {line.growth:+.1%}")
        half = steady[len(steady) // 2].at
        peaks = [max(s.kib for s in steady if (s.at >= half) == later) for later in (False, True)]
        out.row("most in each half of that time", ", ".join(f"{kib / 1024:.1f} MiB" for kib in peaks),
                "" if peaks[1] <= peaks[0] * (1 + MAY_GROW) else "it grows")  # fmt: skip
    out.row("its processor time", f"{cpu / seconds:.0%} of one core")
    for name, took in web.took.items():
        if took:
            out.row(f"{name}: median, p99, slowest of {len(took)}", f"{statistics.median(took):.0f}, {quantile(took, 0.99):.0f}, {max(took):.0f} ms")
    return out.problems


def measure(given: argparse.Namespace, work: Path) -> list[str]:
    build, tasks = given.build.resolve(), int(given.minutes * 60 * given.events / EVENTS_OF_A_TASK)
    history, port = work / "history.db", servers.free_port()
    if given.history:
        shutil.copy(given.history, history)
    lovage = str(build / "bin/lovage")
    with contextlib.ExitStack() as all_of_it:
        redis = all_of_it.enter_context(servers.redis())
        all_of_it.enter_context(program(work / "worker.log", lovage, "worker", "-A", str(build / "lib/libbench_noop.so"), "-E",
                                        "-P", "threads", "-c", "2", "--", f"broker_url={redis.url()}", "result_backend=disabled"))  # fmt: skip
        process = all_of_it.enter_context(program(work / "web.log", lovage, "web", "-b", redis.url(), "--port", str(port),
                                                  "--history", str(history)))  # fmt: skip
        web = Dashboard(port, process.pid)
        servers.wait_until(web.answers, 60, f"lovage web, see {work}/web.log")
        servers.wait_until(lambda: b'"online"' in web.ask("/api/v1/workers"), 60, "the worker")
        before, cpu = newest(history), run.cpu_seconds([process.pid])
        over, (ours, theirs) = multiprocessing.Event(), multiprocessing.Pipe()
        watcher = multiprocessing.Process(target=watch, args=(port, given.watchers, over, theirs), daemon=True)
        watcher.start()
        if not ours.poll(60):
            raise TimeoutError("the watchers do not listen")
        ours.recv()
        began = time.monotonic()
        with program(work / "sender.log", str(build / "bin/bench_producer"), redis.url(), "disabled", "paced", str(tasks),
                     str(given.events // EVENTS_OF_A_TASK)) as sender:  # fmt: skip
            observe(web, sender, began)
        seconds = time.monotonic() - began
        cpu = run.cpu_seconds([process.pid]) - cpu
        over.set()
        heard = ours.recv()
        watcher.join()
        with contextlib.suppress(TimeoutError):
            servers.wait_until(lambda: kept(history, before)[0] == tasks, 60, "all tasks in the history", every=0.5)
        return report(web, tasks, kept(history, before), seconds, given.watchers, heard, cpu)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("build", type=Path, nargs="?", default=SOURCE / "build/release")
    words.add_argument("--minutes", type=float, default=10)
    words.add_argument("--events", type=int, default=1000, help="a second")
    words.add_argument("--watchers", type=int, default=200)
    words.add_argument("--history", type=Path)
    given = words.parse_args()
    print(f"Machine: {run.machine()}; {time.strftime('%Y-%m-%d')}; {sqlite3.sqlite_version} reads the file.\n", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="lovage-dashboard.") as work:
        problems = measure(given, Path(work))
    print("".join(f"FAULT: {p}\n" for p in problems), end="", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
