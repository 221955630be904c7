"""What is asked of a client and a worker. Each case sends what it needs, yields, and looks at what became of it when
all cases have sent: so that their waiting overlaps."""

import datetime as dt
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import canvases
import peers
import servers
import tasks
import values
from peers import Failed

SERIALIZERS = ["json", "msgpack", "yaml"]
COMPRESSIONS = ["none", "zlib", "zstd"]
# Celery's error for a task whose result has no form in the result serializer.
ENCODE_ERRORS = ("EncodeError", "TypeError")


class Pair:
    """A client and a worker on one queue, in one cell of the matrix; counts what was checked."""

    def __init__(self, client, worker, queue: str, other_queue: str, cell: tuple[str, str, str], place: Path) -> None:
        self.client, self.worker = client, worker
        self.queue, self.other_queue = queue, other_queue  # links go to the other worker
        self.broker, self.backend, self.serializer = cell
        self.place = place
        self.checks = 0
        self.failures: list[str] = []
        self.files = itertools.count()

    def file(self) -> Path:
        return self.place / f"file{next(self.files)}"

    def send(self, name: str, args=(), kwargs=None, **options) -> str:
        options.setdefault("queue", self.queue)
        return self.client.send("interop." + name, args, kwargs, **options)

    def check(self, holds: bool, what: str) -> None:
        self.checks += 1
        if not holds:
            self.failures.append(what)

    def equal(self, got, wanted, what: str) -> None:
        self.check(values.same(got, wanted), f"{what}: got {values.short(got)} for {values.short(wanted)}")

    def failed(self, got, kind: str, message: str, what: str) -> None:
        """That `get` raised the right class with the right text, and has a traceback to show."""
        if not isinstance(got, Failed):
            return self.check(False, f"{what}: did not fail: {values.short(got)}")
        self.equal(got.type, kind, f"{what}: class")
        self.check(message in got.message, f"{what}: message: {got.message!r} has no {message!r}")
        self.check(message in got.traceback, f"{what}: traceback: {got.traceback!r} has no {message!r}")

    def lines(self, file: Path, count: int, what: str) -> list[str]:
        def enough() -> list[str]:
            found = file.read_text().splitlines() if file.exists() else []
            return found if len(found) >= count else []

        try:
            return servers.wait_until(enough, 15, what)
        except TimeoutError as e:
            self.check(False, str(e))
            return []


def every_value(p: Pair) -> Iterator[None]:
    sent = []
    for value in values.EVERY_VALUE:
        try:
            seen = values.carried(p.client.writes, p.worker.writes, p.serializer, value)
        except values.Refused:
            continue  # no client could send it
        try:
            wanted = values.carried(p.worker.writes, p.client.writes, p.serializer, seen)
        except values.Refused:
            wanted = values.Refused
        sent.append((p.send("echo", [value]), value, wanted))
    p.check(len(sent) > 30, f"only {len(sent)} values could be sent")
    yield
    for task, value, wanted in sent:
        got = p.client.get(task)
        if wanted is values.Refused:
            p.check(isinstance(got, Failed) and got.type in ENCODE_ERRORS, f"echo {values.short(value)}: {got}")
        else:
            p.equal(got, wanted, f"echo {values.short(value)}")


def refused_values(p: Pair) -> Iterator[None]:
    """What a format cannot carry is an error at the sender, and nothing is sent."""
    yield
    for value in values.EVERY_VALUE:
        try:
            values.carried(p.client.writes, p.worker.writes, p.serializer, value)
        except values.Refused:
            try:
                task = p.send("echo", [value])
            except Exception:  # noqa: BLE001  each library has its own
                p.check(True, "")
            else:
                p.check(False, f"{values.short(value)} was sent in {p.serializer} as {task}")


def formats(p: Pair, subjects=(values.CHEAP_VALUE,)) -> Iterator[None]:
    sent = []
    for serializer, compression, value in itertools.product(SERIALIZERS, COMPRESSIONS, subjects):
        options = {"serializer": serializer} | ({} if compression == "none" else {"compression": compression})
        try:
            seen = values.carried(p.client.writes, p.worker.writes, serializer, value)
            wanted = values.carried(p.worker.writes, p.client.writes, p.serializer, seen)
        except values.Refused:
            continue
        sent.append((p.send("echo", [value], **options), f"{serializer} {compression} {values.short(value)}", wanted))
    yield
    for task, what, wanted in sent:
        p.equal(p.client.get(task), wanted, what)


def every_value_in_every_format(p: Pair) -> Iterator[None]:
    yield from formats(p, values.EVERY_VALUE)


def keyword_arguments(p: Pair) -> Iterator[None]:
    by_name = p.send("add", [], {"x": 40, "y": 2})
    mixed = p.send("join", ["-"], {"parts": ["a", "b"], "upper": True})
    default = p.send("join", ["-", ["a", "b"]])
    nothing = p.send("slow", [0.0])
    yield
    p.equal(p.client.get(by_name), 42, "add by name")
    p.equal(p.client.get(mixed), "A-B", "one by place, two by name")
    p.equal(p.client.get(default), "a-b", "a default")
    p.equal(p.client.get(nothing), None, "no result")
    p.equal(p.client.status(by_name).state, "SUCCESS", "state of a success")
    p.equal(p.client.status(by_name).info, 42, "info of a success")


ERRORS = {"value": "ValueError", "index": "IndexError", "runtime": "RuntimeError", "overflow": "OverflowError"}


def errors(p: Pair) -> Iterator[None]:
    sent = {kind: p.send("fail", [kind, f"no {kind} \u4e16"]) for kind in [*ERRORS, "custom"]}
    yield
    for kind, task in sent.items():
        got = p.client.get(task)
        name = ERRORS.get(kind) or ("Declined" if p.worker.kind == "python" else "declined")
        p.failed(got, name, f"no {kind} \u4e16", f"fail {kind}")
        if isinstance(got, Failed) and p.client.kind == "python":
            wanted = getattr(__builtins__, name, None) if not isinstance(__builtins__, dict) else __builtins__.get(name)
            wanted = wanted or (tasks.Declined if p.worker.kind == "python" else Exception)
            p.check(isinstance(got.exception, wanted), f"fail {kind}: {got.exception!r} is no {wanted}")
            p.check(isinstance(p.client.status(task).info, Exception), f"fail {kind}: info is no exception")
        elif isinstance(got, Failed):
            modules = ("builtins",) if kind in ERRORS else ("tasks", "lovage.interop")
            p.check(got.module in modules, f"fail {kind}: module {got.module}")
        p.equal(p.client.status(task).state, "FAILURE", f"fail {kind}: state")


def wrong_arguments(p: Pair) -> Iterator[None]:
    sent = [p.send("add", [1]), p.send("add", [1, 2, 3]), p.send("add", [1], {"z": 2})]
    yield
    for task in sent:
        got = p.client.get(task)
        p.check(isinstance(got, Failed) and got.type == "TypeError", f"wrong arguments: {got}")


def unknown_task(p: Pair) -> Iterator[None]:
    task = p.send("nobody_knows_it")
    yield
    got = p.client.get(task)
    p.check(isinstance(got, Failed) and got.type == "NotRegistered", f"unknown task: {got}")


def retries(p: Pair) -> Iterator[None]:
    flaky, hopeless = p.send("flaky", [2]), p.send("hopeless", ["never"])
    yield
    p.equal(p.client.get(flaky), 2, "retried twice")
    p.failed(p.client.get(hopeless), "ValueError", "never", "retried in vain")


def delays(p: Pair) -> Iterator[None]:
    began = time.time()
    soon = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=1.5)
    by_eta, by_countdown = p.send("now", eta=soon), p.send("now", countdown=1)
    # A 5.2 worker that has nothing else to do looks at its timers every few seconds, whoever sent the task.
    bearable = 8 if p.worker.writes == "kombu 5.2" else 3
    yield
    for task, due, what in ((by_eta, soon.timestamp(), "eta"), (by_countdown, began + 1, "countdown")):
        late = p.client.get(task) - due
        p.check(-0.01 <= late < bearable, f"{what}: ran {late:.3f} s after its time")


def expiry(p: Pair) -> Iterator[None]:
    past = dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=1)
    ahead = p.send("echo", ["in time"], expires=60)
    # A Python client on RabbitMQ tells the broker of the expiry as well, and that drops a message which no worker has
    # taken by then, without a trace: it has to be taken first.
    dropped = p.client.kind == "python" and p.broker == "rabbitmq"
    countdown, expires = (3.2, 3) if dropped else (1.2, 0.5)
    sent = {"meanwhile": p.send("now", countdown=countdown, expires=expires)}
    if not dropped:
        sent["in the past"] = p.send("now", expires_at=past)
    yield
    p.equal(p.client.get(ahead), "in time", "expires later")
    for what, task in sent.items():
        got = p.client.get(task)
        p.check(isinstance(got, Failed) and got.type == "revoked", f"expired {what}: {got}")
        p.equal(p.client.status(task).state, "REVOKED", f"expired {what}: state")


def ignored_results(p: Pair) -> Iterator[None]:
    files = [p.file(), p.file()]
    sent = [p.send("ignored", [str(files[0])]), p.send("note", ["ran", str(files[1])], ignore_result=True)]
    yield
    for task, file in zip(sent, files):
        p.equal(p.lines(file, 1, "an ignored task runs"), ["ran"], "ignored: ran once")
        # Whatever the worker stores of it, it stores before or while it answers these.
        for _ in range(3):
            p.client.get(p.send("echo", [1]))
        # The option silenced results alone before Celery 5.6, not STARTED.
        silent = ("PENDING", "STARTED") if p.worker.writes == "kombu 5.2" else ("PENDING",)
        p.check(p.client.status(task).state in silent, f"an ignored result: {p.client.status(task).state}")


def links(p: Pair) -> Iterator[None]:
    files = [p.file() for _ in range(3)]
    # Celery has no form of its own signatures in YAML.
    form = {"serializer": "json"} if p.client.kind == "python" and p.serializer == "yaml" else {}
    own = p.send("add", [2, 3], link=note(files[0], p.queue), **form)
    other = p.send("add", [2, 4], link=note(files[1], p.other_queue), **form)
    failing = p.send("fail", ["value", "no"], link=note(files[2], p.queue),
                     link_error=note_error(files[2], p.other_queue), **form)  # fmt: skip
    yield
    for task, file, wanted in ((own, files[0], 5), (other, files[1], 6)):
        p.equal(p.client.get(task), wanted, "a task with a link")
        p.equal(p.lines(file, 1, "a link runs"), [str(wanted)], "a link gets the result")
        if p.client.kind == "python":
            children = p.client.children(task)
            p.equal(len(children), 1, "children")
            if p.backend != "rpc":  # there a link's result goes to whoever sent the link: the worker
                p.equal([p.client.get(child) for child in children], [None], "a child's result")
    p.failed(p.client.get(failing), "ValueError", "no", "a failing task with links")
    p.equal(p.lines(files[2], 1, "an error link runs"), [failing], "only the error link runs, and gets the id")


def note(file: Path, queue: str) -> dict:
    return {"task": "interop.note", "args": [str(file)], "queue": queue}


def note_error(file: Path, queue: str) -> dict:
    return {"task": "interop.note_error", "kwargs": {"file": str(file)}, "queue": queue}


def states(p: Pair) -> Iterator[None]:
    meta = {"done": 3, "parts": ["a", None], "name": "gr\u00fc\u00dfe"}
    release = p.file()
    task = p.send("report", [str(release), "UPLOADING", meta])
    yield
    seen = []

    def on_state(status: peers.Status) -> None:
        seen.append(status.state)
        if status.state == "UPLOADING":
            if not release.exists():
                p.equal(status.info, meta, "meta of a custom state")
            release.touch()

    p.equal(p.client.watch(task, on_state), "let go", "a task with a custom state")
    p.check("UPLOADING" in seen, f"custom state: saw only {seen}")


def started(p: Pair) -> Iterator[None]:
    release = p.file()
    task = p.send("hold", [str(release)])
    yield

    def on_state(status: peers.Status) -> None:
        if status.state == "STARTED" and not release.exists():
            p.check(set(status.info) >= {"pid", "hostname"}, f"STARTED has {status.info}")
            release.touch()

    p.equal(p.client.watch(task, on_state), "let go", "a task whose start is tracked")
    p.check(release.exists(), "STARTED was not seen")


def typed_calls(p: Pair) -> Iterator[None]:
    yield
    if p.client.kind == "lovage":
        answer = p.client.typed_calls(p.queue)
        p.check("value" in answer, f"typed calls: {answer.get('text')}")


def polled_states(p: Pair) -> Iterator[None]:
    """`AsyncResult.state` and `info` without `get`: rpc:// has them only while somebody waits."""
    if p.backend == "rpc":
        return
    release, meta = p.file(), {"current": 1, "total": 2}
    task = p.send("report", [str(release), "PROGRESS", meta])
    yield
    try:
        servers.wait_until(lambda: p.client.status(task).state == "PROGRESS", 15, "state PROGRESS")
        p.equal(p.client.status(task).info, meta, "info of PROGRESS")
    except TimeoutError as e:
        p.check(False, str(e))
    release.touch()
    p.equal(p.client.get(task), "let go", "a task that was polled")


BASIC = [canvases.back_and_forth, started, states, polled_states, retries, delays, expiry, keyword_arguments, errors, wrong_arguments, unknown_task,
         links, ignored_results, formats, every_value, refused_values, typed_calls]  # fmt: skip
FULL = [*BASIC, every_value_in_every_format]


def run(p: Pair, cases: list) -> None:
    """All send, then all look."""
    going = []
    for case in cases:
        begun = case(p)
        try:
            next(begun)
            going.append((case, begun))
        except StopIteration:
            pass
        except Exception as e:  # noqa: BLE001  one case must not hide the others
            p.check(False, f"{case.__name__}: {type(e).__name__}: {e}")
    for case, begun in going:
        try:
            for _ in begun:
                pass
        except Exception as e:  # noqa: BLE001
            p.check(False, f"{case.__name__}: {type(e).__name__}: {e}")


def shared_queue(p: Pair, kinds: set[str]) -> None:
    """Two workers on one queue, each does some."""
    sent = [p.send("who") for _ in range(100)]
    got = [p.client.get(task) for task in sent]
    p.check(set(got) == kinds, f"both workers on one queue: {({kind: got.count(kind) for kind in map(str, got)})}")
