"""Workers and clients of both kinds, behind one face each, so that a case does not know whom it talks to."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import celery
import kombu
import servers
import tasks
import values
from celery.canvas import maybe_signature
from celery.exceptions import TaskRevokedError

HERE = Path(__file__).resolve().parent
OWN_KOMBU = "kombu 5.2" if kombu.__version__.startswith("5.2") else "kombu"


@dataclasses.dataclass
class Failed:
    """What `get` raised, in either language."""

    type: str
    message: str
    module: str = ""
    traceback: str = ""
    exception: Exception | None = None


@dataclasses.dataclass
class Status:
    state: str
    info: object
    traceback: str


class Timeout(Exception):
    """No result in time."""


def quiet_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("LOVAGE_", "CELERY_", "INTEROP_"))}


class Worker:
    """A worker process; `kind` is the name that its task `interop.who` returns."""

    kind = ""

    def __init__(self, log: Path, command: list[str], environment: dict[str, str]) -> None:
        self.log = log
        self.asked = False
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=HERE, env={**quiet_environment(), **environment}, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, preexec_fn=servers.die_with_parent,
            )  # fmt: skip

    def wait_ready(self) -> None:
        def ready() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError(f"the {self.kind} worker ended:\n{self.tail()}")
            return "ready." in self.log.read_text(errors="replace")

        servers.wait_until(ready, 60, f"the {self.kind} worker, see {self.log}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def ask_to_end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.asked = True

    def stop(self) -> str | None:
        """A warm end; what was wrong with it."""
        if not self.asked:
            self.ask_to_end()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return f"the {self.kind} worker did not end on TERM:\n{self.tail()}"
        return None if code == 0 else f"the {self.kind} worker ended with {code}:\n{self.tail()}"


class PythonWorker(Worker):
    kind = "python"
    writes = OWN_KOMBU

    def __init__(self, log: Path, settings: dict, queues: list[str], concurrency: int = 4,
                 alone: bool = True) -> None:  # fmt: skip
        """`alone`: it neither greets other workers nor tells them of itself."""
        command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", "prefork", "-c", str(concurrency),
                   "-Q", ",".join(queues), "-l", "info", "-n", f"{log.stem}@python"]  # fmt: skip
        if alone:
            command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        path = os.pathsep.join([str(HERE), str(HERE.parent / "support")])
        environment = {"INTEROP_SETTINGS": json.dumps(settings), "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        super().__init__(log, command, environment)


class LovageWorker(Worker):
    kind = "lovage"
    writes = "lovage"

    def __init__(self, log: Path, build: Path, settings: dict, queues: list[str], concurrency: int = 4,
                 pool: str = "threads") -> None:  # fmt: skip
        command = [str(build / "bin/lovage"), "worker", "-A", str(build / "lib/libinterop_tasks.so"), "-P", pool,
                   "-c", str(concurrency), "-Q", ",".join(queues), "-l", "info", "-n", f"{log.stem}@lovage",
                   "--", *as_options(settings)]  # fmt: skip
        super().__init__(log, command, {})


def as_options(settings: dict) -> list[str]:
    def text(value) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return ",".join(value) if isinstance(value, list) else str(value)

    return [f"{name}={text(value)}" for name, value in settings.items()]


class PythonClient:
    """A Celery app in this process."""

    kind = "python"
    writes = OWN_KOMBU

    def __init__(self, settings: dict) -> None:
        self.app = tasks.make_app(settings)
        self.results: dict[str, celery.result.AsyncResult] = {}
        # What Celery was told while it waited for any result: each message is told to one waiting only.
        self.seen: dict[str, list[Status]] = {}

    def send(self, name: str, args=(), kwargs=None, **options) -> str:
        for link in ("link", "link_error"):
            if link in options:
                options[link] = self.signature(**options[link])
        if "expires_at" in options:
            options["expires"] = options.pop("expires_at")
        result = self.app.send_task(name, args=args, kwargs=kwargs or {}, **options)
        self.results[result.id] = result
        # Celery does so in `get`, and 5.2 then waits a second for what has come already.
        result.backend.add_pending_result(result)
        return result.id

    def signature(self, task: str, args=(), kwargs=None, **options):
        return self.app.signature(task, args=tuple(args), kwargs=kwargs or {}, options=options)

    def get(self, task: str, timeout: float = 20):
        result = self.results[task]
        try:
            return result.get(timeout=timeout, on_message=self.note)
        except celery.exceptions.TimeoutError:
            raise Timeout(task) from None
        except TaskRevokedError as e:
            return Failed("revoked", str(e), exception=e)
        except Exception as e:  # noqa: BLE001  the task's own, of any class
            return Failed(type(e).__name__, str(e), type(e).__module__, result.traceback or "", e)

    def note(self, message: dict) -> Status:
        status = Status(message["status"], message["result"], message.get("traceback") or "")
        self.seen.setdefault(message["task_id"], []).append(status)
        return status

    def watch(self, task: str, on_state: Callable[[Status], None], timeout: float = 20):
        """Waits for the result and tells of every state before it."""

        def on_message(message: dict) -> None:
            status = self.note(message)
            if message["task_id"] == task:
                on_state(status)

        for status in self.seen.get(task, []):
            on_state(status)
        return self.results[task].get(timeout=timeout, on_message=on_message)

    def status(self, task: str) -> Status:
        result = self.results[task]
        return Status(result.state, result.info, result.traceback or "")

    def children(self, task: str) -> list[str]:
        found = [child.id for child in self.results[task].children or []]
        for child in self.results[task].children or []:
            self.results.setdefault(child.id, child)
        return found

    def send_canvas(self, signature: dict) -> list:
        self.app.set_current()  # what is nested in a signature asks for it
        try:
            handle = maybe_signature(signature, app=self.app).apply_async().as_tuple()
        finally:
            celery._state._set_current_app(None)  # noqa: SLF001  there is no other way back
        self.expect(handle)
        return handle

    def expect(self, handle) -> None:
        (task, parent), members = handle
        for other in [*([parent] if parent else []), *(members or [])]:
            self.expect(other)
        if members is None:
            self.results[task] = self.app.AsyncResult(task)

    def close(self) -> None:
        for result in self.results.values():
            result.backend.remove_pending_result(result)
        self.results.clear()
        self.app.close()


class LovageClient:
    """interop_client behind a pipe."""

    kind = "lovage"
    writes = "lovage"

    def __init__(self, build: Path, settings: dict, log: Path) -> None:
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [str(build / "bin/interop_client"), *as_options(settings)], env=quiet_environment(), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, preexec_fn=servers.die_with_parent,
            )  # fmt: skip

    def ask(self, **command) -> dict:
        self.process.stdin.write(values.to_pipe(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the C++ client ended: {self.log.read_text(errors='replace')[-2000:]}")
        return values.from_pipe(line)

    def send(self, name: str, args=(), kwargs=None, **options) -> str:
        for link in ("link", "link_error"):
            if link in options:
                given = dict(options[link])
                options[link] = {"task": given.pop("task"), "args": list(given.pop("args", ())),
                                 "kwargs": given.pop("kwargs", {}), "options": given}
        answer = self.ask(op="send", task=name, args=list(args), kwargs=kwargs or {}, options=options)
        if "error" in answer:
            raise RuntimeError(f"not sent: {answer['text']}")
        return answer["id"]

    def get(self, task: str, timeout: float = 20):
        answer = self.ask(op="get", id=task, timeout=timeout)
        if "error" not in answer:
            return answer["value"]
        if answer["error"] == "timeout":
            raise Timeout(task)
        if answer["error"] == "task failed":
            return Failed(answer["type"], answer["message"], answer["module"], answer["traceback"])
        return Failed(answer["error"], answer["text"])

    def watch(self, task: str, on_state: Callable[[Status], None], timeout: float = 20):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            status = self.status(task)
            if status.state in ("SUCCESS", "FAILURE", "REVOKED"):
                break
            on_state(status)
            time.sleep(0.01)
        return self.get(task, 0.1)

    def status(self, task: str) -> Status:
        answer = self.ask(op="status", id=task)
        if "error" in answer:
            raise RuntimeError(answer["text"])
        return Status(answer["state"], answer["result"], answer["traceback"])

    def send_canvas(self, signature: dict) -> list:
        answer = self.ask(op="canvas", signature=signature)
        if "error" in answer:
            raise RuntimeError(f"not sent: {answer['text']}")
        return answer["handle"]

    def typed_calls(self, queue: str) -> dict:
        return self.ask(op="typed", queue=queue)

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
