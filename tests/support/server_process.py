"""What every real server of a test is: a process on a port of its own, which can be killed, silenced and started again."""

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_given: set[int] = set()  # ports of this process, also of servers that are down at the moment


class NotStarted(Exception):
    """A server did not come up; the text has the end of its log."""


def free_port() -> int:
    """A port that nobody listens on, below those that the kernel gives to outgoing connections: a server that is
    started again finds it free."""
    low, high = (int(part) for part in os.environ.get("LOVAGE_TEST_PORTS", "20000-31999").split("-"))
    for port in random.SystemRandom().sample(range(low, high + 1), high - low + 1):
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise NotStarted(f"no free port from {low} to {high}")


def die_with_parent() -> None:
    """For `preexec_fn`: the child is killed when the thread that started it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until(condition, seconds: float, what: str, every: float = 0.02):
    """Polls until the condition holds and returns what it gave."""
    end = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(every)


def stop_process(pid: int) -> None:
    """SIGSTOP, until every thread has stopped: those that run at the moment go on a little."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(state in "TtZX" for state in _thread_states(pid)), 10, f"process {pid} to stop", 0.001)


def _thread_states(pid: int) -> Iterator[str]:
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield stat.read_text().rpartition(")")[2].split()[0]


class Server:
    """One server process. `kill`, `suspend` and `restart` make the faults of the chaos tests."""

    boot_limit = 60.0

    def __init__(self, name: str, work: Path) -> None:
        self.name, self.work = name, work
        self.port = free_port()
        self.log = work / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.suspended = False

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.work, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, preexec_fn=die_with_parent,
            )  # fmt: skip
        end = time.monotonic() + self.boot_limit
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                code = self.process.poll()
                self.kill()
                tail = self.log.read_text(errors="replace")[-2000:]
                raise NotStarted(f"{self.name} did not come up (exit code {code}):\n{tail}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """kill -9; also a suspended one."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.suspended = False

    def restart(self) -> None:
        """Starts it again on the same port, with what it had on disk."""
        assert not self.alive()
        self.start()

    def suspend(self) -> None:
        """SIGSTOP: the server falls silent, its connections stay open."""
        stop_process(self.pid)
        self.suspended = True

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)
        self.suspended = False

    def stop(self) -> None:
        """For the end of a test: whatever state it is in, it is gone afterwards. May come twice."""
        self.kill()

    def send_line(self, line: bytes, expect: bytes) -> bool:
        """Whether the server answers a line with something that begins as expected."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(line)
                return connection.recv(64).startswith(expect)
        except OSError:
            return False
