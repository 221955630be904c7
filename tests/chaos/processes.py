"""The processes of a chaos run: started here, found by parent, ended by id."""

import os
import signal
import subprocess
import time
from pathlib import Path


class Process:
    """One program that is started again whenever it was killed."""

    def __init__(self, name: str, command: list[str], log: Path, cwd: Path) -> None:
        self.name, self.command, self.log, self.cwd = name, command, log, cwd
        self.starts = 0
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.starts += 1
        command = [part.replace("{start}", str(self.starts)) for part in self.command]
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(command, cwd=self.cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        assert self.running is not None
        return self.running.pid

    def alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.running.wait()

    def terminate(self, timeout: float) -> int | None:
        """Asks for a warm end; the exit code, or None when it had to be killed."""
        assert self.running is not None
        self.running.terminate()
        try:
            return self.running.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return None


def parents() -> dict[int, int]:
    """Every live process and its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(entry.name)] = int(fields[1])
    return found


def leaves(of: int) -> list[int]:
    """The pool children of a worker: its grandchildren, below the fork server that is its direct child.

    One look at the process table decides. With two, a fork server born between them was taken for a pool child.
    """
    tree = parents()
    servers = {pid for pid, parent in tree.items() if parent == of}
    return sorted(pid for pid, parent in tree.items() if parent in servers)


def kill_hard(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def gone(pids: set[int], within: float) -> set[int]:
    """Waits for processes that are no children of ours; returns those that are still there."""
    end = time.monotonic() + within
    while True:
        left = pids & parents().keys()
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.05)


def with_text_in_command_line(text: str) -> set[int]:
    """Processes whose command line holds the text, such as the path of this run's store."""
    found = set()
    for pid in parents():
        try:
            if text.encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != os.getpid():
                found.add(pid)
        except OSError:
            continue
    return found
