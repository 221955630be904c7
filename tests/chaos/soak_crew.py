"""The workers of a soak: two to which everything happens, and a witness that lives throughout."""

import os
import signal
import time

import processes
from processes import Process

READY_WITHIN = 60.0
ENDS_WITHIN = 90.0  # a warm shutdown waits for what runs


class Worker(Process):
    """Knows whether it is up, and which end it was asked for."""

    def __init__(self, name: str, command: list[str], work) -> None:
        super().__init__(name, command, work / f"{name}.log", work)
        self.node = f"{name}@{work.name}"
        self.read_from = 0  # of the log
        self.due = 0.0
        self.ready = False
        self.asked_for: int | None = None  # the exit code that must come

    def begin(self) -> None:
        self.expect_ready()
        self.asked_for = None
        self.start()

    def expect_ready(self) -> None:
        self.read_from = self.log.stat().st_size if self.log.exists() else 0
        self.ready = False
        self.due = time.monotonic() + READY_WITHIN

    def look(self) -> None:
        if not self.ready and self.log.exists():
            with self.log.open("rb") as log:
                log.seek(self.read_from)
                self.ready = b" ready." in log.read()

    def ask_to_end(self, number: int, code: int) -> None:
        self.asked_for = code
        self.due = time.monotonic() + ENDS_WITHIN
        os.kill(self.pid, number)

    def reload(self) -> None:
        self.expect_ready()
        os.kill(self.pid, signal.SIGHUP)


class Crew:
    def __init__(self, soak) -> None:
        self.soak = soak
        self.witness = self.worker("witness", "-c", "2", "--max-tasks-per-child", "50")
        self.victims = [
            self.worker("recycling", "-c", "2", "--max-tasks-per-child", "10"),
            self.worker("scaling", "--autoscale=4,1", "--max-memory-per-child", "60000"),
        ]
        self.all = [self.witness, *self.victims]
        # Somebody who listens to the events, or they would go nowhere.
        build = str(soak.stage.build)
        self.monitor = Process("monitor", [f"{build}/bin/lovage", "events", "--dump", "-b", soak.broker_url],
                               soak.work / "events.log", soak.work)  # fmt: skip

    def worker(self, name: str, *options: str) -> Worker:
        soak = self.soak
        build = str(soak.stage.build)
        plugins = [part for lib in ("chaos_marks", "pool_tasks") for part in ("-A", f"{build}/lib/lib{lib}.so")]
        # Chance may take one task's process down more often than the default limit of 5: that is no loss to be counted.
        return Worker(name, [
            f"{build}/bin/lovage", "worker", *plugins, "-P", "prefork", "-E", "-l", "info", "-n",
            f"{name}@{soak.work.name}", "-Q", f"soak,soak.{name}", *options, "--", f"broker_url={soak.broker_url}",
            f"result_backend={soak.results_url}", "task_delivery_limit=8", "task_track_started=yes", "worker_pool_restarts=yes",
        ], soak.work)  # fmt: skip

    def start(self) -> None:
        self.monitor.start()
        for worker in self.all:
            worker.begin()
        while not all(w.ready for w in self.all):
            self.watch()
            if self.soak.problems:
                raise RuntimeError(f"{self.soak.problems}")
            time.sleep(0.05)

    def watch(self) -> None:
        """Who was asked to end and did is started again; who did otherwise is a problem."""
        for worker in self.all:
            if worker.alive():
                worker.look()
                if (worker.asked_for is not None or not worker.ready) and time.monotonic() > worker.due:
                    what = "end" if worker.asked_for is not None else "get ready"
                    self.soak.problems.append(f"{worker.name} did not {what} in time, start {worker.starts}")
                    worker.kill()
                    worker.begin()
                continue
            code = worker.running.returncode
            if code != worker.asked_for:
                self.soak.problems.append(f"{worker.name} ended with {code} instead of {worker.asked_for},"
                                          f" start {worker.starts}, see {worker.log}")  # fmt: skip
            worker.begin()

    def idle_victim(self):
        """One of the two that is up, and not on its way down; None while there is none."""
        up = [w for w in self.victims if w.alive() and w.ready and w.asked_for is None]
        return self.soak.chance.choice(up) if up else None

    def witnessed(self) -> dict[str, int]:
        """The processes whose memory is to stay flat."""
        found = {"worker": self.witness.pid}
        servers = [pid for pid, parent in processes.parents().items() if parent == self.witness.pid]
        if len(servers) == 1:
            found["its fork server"] = servers[0]
        return found

    def end(self) -> None:
        """A warm end of everyone, with its exit code, and no process left behind."""
        for worker in self.all:
            if not worker.alive():
                continue
            if worker.asked_for is None and (code := worker.terminate(ENDS_WITHIN)) != 0:
                self.soak.problems.append(f"{worker.name} ended with {code} on TERM")
        self.monitor.terminate(10)
        left = processes.gone(processes.with_text_in_command_line(self.soak.work.name), 10)
        if left:
            self.soak.problems.append(f"processes left behind: {sorted(left)}")

    def close(self) -> None:
        for process in [*self.all, self.monitor]:
            if process.alive():
                process.kill()
