"""What a soak sends, and what has to become of each."""

import dataclasses
import random
from collections.abc import Callable

FINAL = ("SUCCESS", "FAILURE", "REVOKED")


@dataclasses.dataclass(frozen=True)
class Kind:
    """`state` and `exception` are the record that it must have at the end, None where a dead message is all there is;
    `least` and `most` say how many traces its runs may leave."""

    name: str
    weight: float
    task: str
    args: Callable[[str, str, random.Random], list]  # of its name and the file of traces
    state: str | None = "SUCCESS"
    exception: str = ""
    least: int = 1
    most: int | None = None
    dead: bool = False
    options: dict = dataclasses.field(default_factory=dict)
    delay: tuple[float, float] = (0, 0)


def nothing(_name: str, _file: str, _chance: random.Random) -> list:
    return []


def seconds(n: float) -> Callable:
    return lambda _name, _file, _chance: [n]


def traced(*more) -> Callable:
    return lambda name, file, _chance: [name, file, *more]


KINDS = [
    Kind("no-op", 30, "chaos.mark", traced(0)),
    Kind("short sleep", 15, "chaos.mark", lambda name, file, chance: [name, file, chance.randint(20, 400)]),
    Kind("delayed", 8, "chaos.mark", traced(0), delay=(1, 20)),
    Kind("of a queue that comes and goes", 3, "chaos.mark", traced(0), options={"queue": "soak.extra"}),
    Kind("rate limited at times", 6, "pools.pid", nothing, least=0),
    Kind("large", 1, "pools.keep", seconds(40), least=0),
    Kind("retried", 6, "chaos.again", traced(2), least=3),
    Kind("over its soft limit", 2, "pools.sleep", seconds(60), "FAILURE", "SoftTimeLimitExceeded", least=0,
         options={"soft_time_limit": 0.3}),
    Kind("over its hard limit", 2, "pools.sleep", seconds(60), "FAILURE", "TimeLimitExceeded", least=0,
         options={"time_limit": 0.5}),
    Kind("crashes once", 1.5, "chaos.crash", traced(False), least=2),
    Kind("crashes", 0.3, "chaos.crash", traced(True), "FAILURE", "WorkerLostError", dead=True),
    Kind("revoked while it waits", 2, "chaos.mark", traced(0), "REVOKED", least=0, most=0, delay=(6, 12)),
    Kind("terminated while it runs", 1, "pools.sleep", seconds(60), "REVOKED", least=0),
    Kind("refused", 1, "chaos.refuse", traced(), None, dead=True),
    Kind("of no worker", 0.5, "soak.nobody", nothing, None, least=0, dead=True),
]  # fmt: skip
WAITING, RUNNING = "revoked while it waits", "terminated while it runs"


@dataclasses.dataclass
class Sent:
    kind: Kind
    state: str | None = None
    exception: str = ""
    ended: bool = False  # by `revoke`, where its kind is so

    def settled(self) -> bool:
        """By its record. What has to have none is found in the dead set."""
        return self.state in FINAL and self.kind.state is not None

    def wrong(self, runs: int, dead: bool) -> str:
        """What is not as its kind must be; empty when all is."""
        kind = self.kind
        if kind.state is not None and (self.state, self.exception) != (kind.state, kind.exception):
            return f"is {self.state} {self.exception}"
        if runs < kind.least or (kind.most is not None and runs > kind.most):
            return f"ran {runs} times"
        if dead != kind.dead:
            return "is in the dead set" if dead else "is not in the dead set"
        return ""
