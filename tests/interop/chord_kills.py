#!/usr/bin/env python3
"""Workers are killed while they run chords: every chord comes to its end, and its body is sent once.

usage: chord_kills.py BUILD_DIR [--chords N] [--seed N]

Two lovage workers on Redis; every few chords one of them is killed and replaced. A body may run twice where the worker
that had taken it was killed, as any task may; a body that comes twice to workers that live was sent twice.
"""

import argparse
import random
import re
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import canvases  # noqa: E402
import servers  # noqa: E402
from peers import LovageClient, LovageWorker  # noqa: E402

QUEUE = "kills"
RECEIVED = re.compile(r"Task interop\.note\[([0-9a-f-]+)\] received")


def add(*args) -> dict:
    return canvases.signature("interop.add", args, {"queue": QUEUE})


class Crew:
    """Two workers, of which one or the other is killed now and then."""

    def __init__(self, build: Path, work: Path, settings: dict) -> None:
        self.build, self.work, self.settings = build, work, settings
        self.killed, self.all = set(), []
        self.at_work = [self.hire(), self.hire()]
        for worker in self.at_work:
            worker.wait_ready()

    def hire(self) -> LovageWorker:
        log = self.work / f"worker{len(self.all)}.log"
        self.all.append(LovageWorker(log, self.build, self.settings, [QUEUE], 4, "prefork"))
        return self.all[-1]

    def kill(self, which: int) -> None:
        victim = self.at_work[which]
        victim.process.kill()
        victim.process.wait()
        self.killed.add(victim)
        self.at_work[which] = self.hire()

    def bodies_sent_twice(self) -> list[str]:
        """Those that came to a worker though none of those that had them before was killed."""
        takers: dict[str, list[LovageWorker]] = {}
        for worker in self.all:
            for body in RECEIVED.findall(worker.log.read_text(errors="replace")):
                takers.setdefault(body, []).append(worker)
        return [body for body, had in takers.items() if sum(w not in self.killed for w in had) > 1]


def run(crew: Crew, client: LovageClient, chords: int, work: Path) -> list[str]:
    wrong, sent = [], []
    for i in range(chords):
        note = canvases.signature("interop.note", [str(work / f"body{i}")], {"queue": QUEUE})
        header = [add(k) for k in range(10)]
        sent.append(client.send_canvas(canvases.chain(add(1, 1), canvases.chord(header, note))))
        if i % 6 == 5:
            time.sleep(random.uniform(0, 0.05))  # somewhere in the middle of what was sent
            crew.kill(random.randrange(2))
            if i % 12 == 11:
                crew.at_work[0].wait_ready()
    for i, ((body, _), _) in enumerate(sent):
        if (got := client.get(body, 120)) is not None:
            wrong.append(f"chord {i} came to {got}")
        if not (work / f"body{i}").exists():
            wrong.append(f"the body of chord {i} did not run")
    wrong += [f"body {body} was sent twice" for body in crew.bodies_sent_twice()]
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--chords", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    random.seed(options.seed)
    work = Path(tempfile.mkdtemp(prefix="lovage-kills."))
    with servers.redis() as redis:
        settings = {"broker_url": redis.url(0), "result_backend": redis.url(1)}
        client = LovageClient(options.build.resolve(), settings, work / "client.log")
        crew = Crew(options.build.resolve(), work, settings)
        wrong = run(crew, client, options.chords, work)
        client.close()
        for worker in crew.at_work:
            worker.stop()
    for what in wrong[:20]:
        print(f"  {what}")
    print(f"  seed {options.seed}: {options.chords} chords, {len(crew.killed)} workers killed, {len(wrong)} wrong, "
          f"logs in {work}")  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
