"""What a process holds over time: resident memory, and whether it grows."""

import dataclasses
from pathlib import Path


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@dataclasses.dataclass(frozen=True)
class Sample:
    at: float
    kib: int
    descriptors: int


def sample(pid: int, at: float) -> Sample:
    return Sample(at, resident_kib(pid), descriptors(pid))


@dataclasses.dataclass(frozen=True)
class Line:
    """The straight line through samples: what it says at the first of them and how much it rises until the last."""

    first_kib: float
    rise_kib: float

    @property
    def growth(self) -> float:
        return self.rise_kib / self.first_kib


def fit(samples: list[Sample]) -> Line:
    """Least squares; needs two samples or more."""
    n = len(samples)
    mean_at = sum(s.at for s in samples) / n
    mean_kib = sum(s.kib for s in samples) / n
    slope = sum((s.at - mean_at) * (s.kib - mean_kib) for s in samples) / sum((s.at - mean_at) ** 2 for s in samples)
    first, last = samples[0].at, samples[-1].at
    return Line(mean_kib + slope * (first - mean_at), slope * (last - first))
