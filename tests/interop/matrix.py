#!/usr/bin/env python3
"""Real Celery and lovage on real brokers: every client with every worker.

usage: matrix.py BUILD_DIR [--full] [--stand-in] [--only WORD ...] [--keep]

Runs in the Python environment whose Celery is to be tried (tests/support/in_python_env.sh). Cells are {rabbitmq, redis}
as broker x {redis, rpc} for results x {json, msgpack, yaml}; in each cell a Python and a lovage worker serve a queue of
their own and one together, and a Python and a lovage client call them. Every cell sends a value in each of {json,
msgpack, yaml} x {none, zlib, zstd}; --full sends every value so.

--stand-in puts Python in lovage's place on both sides: what then fails is wrong in the tests.
"""

import argparse
import contextlib
import itertools
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import cases  # noqa: E402
import celery.result  # noqa: E402
import priorities  # noqa: E402
import servers  # noqa: E402
from peers import LovageClient, LovageWorker, PythonClient, PythonWorker  # noqa: E402

BROKERS = ["rabbitmq", "redis"]
BACKENDS = ["redis", "rpc"]


class Matrix:
    def __init__(self, build: Path, work: Path, rabbit: servers.RabbitMQ, redis: servers.Redis, options) -> None:
        self.build, self.work, self.options = build, work, options
        self.rabbit, self.redis = rabbit, redis
        self.checks = self.failures = 0
        self.stand_in = options.stand_in

    def worker(self, name: str, lovage: bool, settings: dict, queues: list[str], concurrency: int = 4):
        log = self.work / f"{name}.log"
        if lovage and not self.stand_in:
            return LovageWorker(log, self.build, settings, queues, concurrency)
        return PythonWorker(log, settings, queues, concurrency)

    def client(self, name: str, lovage: bool, settings: dict):
        if lovage and not self.stand_in:
            return LovageClient(self.build, settings, self.work / f"{name}.log")
        return PythonClient(settings)

    def broker_url(self, broker: str) -> str:
        return self.rabbit.url() if broker == "rabbitmq" else self.redis.url(0)

    def settings(self, broker: str, backend: str, serializer: str) -> dict:
        return {
            "broker_url": self.broker_url(broker),
            "result_backend": self.redis.url(1) if backend == "redis" else "rpc://",
            "task_serializer": serializer,
            "result_serializer": serializer,
            "accept_content": ["json", "msgpack", "yaml"],
            "task_track_started": True,
            "worker_prefetch_multiplier": 1,
        }

    def cell(self, broker: str, backend: str, serializer: str) -> None:
        name = f"{broker}-{backend}-{serializer}"
        place = self.work / name
        place.mkdir()
        settings = self.settings(broker, backend, serializer)
        queues = {kind: f"{name}.{kind}" for kind in ("python", "lovage", "both")}
        running, clients = [], []
        try:
            for kind in ("python", "lovage"):
                running.append(self.worker(f"{name}/{kind}-worker", kind == "lovage", settings,
                                           [queues[kind], queues["both"]]))  # fmt: skip
                clients.append(self.client(f"{name}/{kind}-client", kind == "lovage", settings))
            for worker in running:
                worker.wait_ready()
            self.pairs(name, (broker, backend, serializer), place, queues, running, clients)
        finally:
            for client in clients:
                client.close()
            for worker in running:
                worker.ask_to_end()
            for problem in filter(None, [worker.stop() for worker in running]):
                self.fail(name, problem)

    def pairs(self, name, cell, place, queues, running, clients) -> None:
        kinds = ("python", "lovage")
        wanted = cases.FULL if self.options.full else cases.BASIC
        for c, w in ((0, 1), (1, 0)):
            own = place / kinds[c]
            own.mkdir()
            p = cases.Pair(clients[c], running[w], queues[kinds[w]], queues[kinds[c]], cell, own)
            began = time.monotonic()
            cases.run(p, wanted)
            cases.shared_queue(self.on_both(p, queues["both"]), {worker.kind for worker in running})
            self.told(f"{name:<22} {kinds[c]} client -> {kinds[w]} worker", p, time.monotonic() - began)

    @staticmethod
    def on_both(p: cases.Pair, queue: str) -> cases.Pair:
        p.queue = queue
        return p

    def told(self, what: str, p: cases.Pair, seconds: float) -> None:
        self.checks += p.checks
        self.failures += len(p.failures)
        print(f"  {what:<56} {p.checks:>4} checks, {len(p.failures)} failed {seconds:6.1f} s", flush=True)
        for failure in p.failures[:20]:
            print(f"      {failure}", flush=True)
        if len(p.failures) > 20:
            print(f"      ... and {len(p.failures) - 20} more", flush=True)

    def fail(self, where: str, problem: str) -> None:
        self.checks += 1
        self.failures += 1
        print(f"  {where}: {problem}", flush=True)

    def run(self) -> None:
        for broker, backend, serializer in itertools.product(BROKERS, BACKENDS, cases.SERIALIZERS):
            if self.wanted(broker, f"results-{backend}", serializer):
                try:
                    self.cell(broker, backend, serializer)
                except Exception as e:  # noqa: BLE001  a cell that cannot start must not hide the others
                    self.fail(f"{broker}-{backend}-{serializer}", f"{type(e).__name__}: {e}")
        for broker in BROKERS:
            if self.wanted(broker, "priorities"):
                priorities.run(self, broker)

    def wanted(self, *words: str) -> bool:
        return all(word in words for word in self.options.only)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--stand-in", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], help="rabbitmq redis results-redis results-rpc json ... priorities")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="lovage-interop."))
    began = time.monotonic()
    print(f"  Celery {celery.__version__}, logs in {work}", flush=True)
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(servers.redis())
        matrix = Matrix(options.build.resolve(), work, stack.enter_context(servers.rabbitmq()), redis, options)
        matrix.run()
        del celery.result.AsyncResult.__del__  # it unsubscribes, from servers that are about to go
    good = matrix.failures == 0 and matrix.checks > 0
    print(f"  {matrix.checks} checks, {matrix.failures} failed, {time.monotonic() - began:.0f} s")
    if good and not options.keep:
        shutil.rmtree(work)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
