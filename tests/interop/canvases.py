"""Workflows between the two: signatures as data, which either client sends."""

import itertools
from collections.abc import Iterator

import peers
from peers import Failed


def signature(task: str, args=(), options=None, kwargs=None, kind=None, immutable=False) -> dict:
    return {"task": task, "args": list(args), "kwargs": kwargs or {}, "options": options or {}, "subtask_type": kind,
            "immutable": immutable}  # fmt: skip


def chain(*steps: dict) -> dict:
    return signature("celery.chain", kwargs={"tasks": list(steps)}, kind="chain")


def group(*members: dict) -> dict:
    return signature("celery.group", kwargs={"tasks": list(members)}, kind="group")


def chord(header: list, body: dict) -> dict:
    return signature("celery.chord", kwargs={"kwargs": {}, "header": header, "body": body}, kind="chord")


def every(how: str, task: dict, items: list, queue: str) -> dict:
    return signature("celery." + how, options={"queue": queue}, kwargs={"task": task, "it": items}, immutable=True)


def outcome(client, handle):
    """What a result handle comes to: that of its task, or of each member of its group."""
    (task, _), members = handle
    if members is not None:
        return [outcome(client, m) for m in members]
    try:
        return client.get(task, 10)
    except peers.Timeout:
        return "nothing in time"  # which of many workflows it was is worth knowing


def back_and_forth(p) -> Iterator[None]:
    """Workflows whose tasks go to both workers in turn: what one begins, the other goes on with."""
    if p.backend != "redis" or p.serializer != "json":
        return  # rpc:// counts no chords; Celery has no form of its signatures in YAML
    queues = itertools.cycle([p.queue, p.other_queue])

    def task(name, *args, **options):
        return signature("interop." + name, args, {"queue": next(queues), **options})

    def add(*args):
        return task("add", *args)

    lines, errors = p.file(), p.file()
    apology = signature("interop.note_error", [], {"queue": p.other_queue}, {"file": str(errors)})
    long = {"headers": {"x": "x" * 30_000}, "queue": p.queue if p.worker.kind == "lovage" else p.other_queue}
    wanted = {
        "chain": (chain(add(1, 2), add(10), add(100), add(1000)), 1113),
        "group": (group(add(1, 2), add(3, 4), add(5, 6)), [3, 7, 11]),
        "task and group": (chain(add(1, 2), group(add(10), add(20))), [13, 23]),
        "chord": (chord([add(i, i) for i in range(7)], task("total")), 42),
        "chord on the other": (chord([add(i, i) for i in range(6)], task("total")), 30),
        "chord with a chain for a body": (chord([add(1, 1), add(2, 2)], chain(task("total"), add(5))), 11),
        "chord of chains": (chord([chain(add(1, 1), add(1)), chain(add(2, 2), add(2), add(3))], task("total")), 12),
        "chord in a chord": (chord([chord([add(1, 1), add(2, 2)], task("total")), add(3, 3)], task("total")), 12),
        "task, group, task": (chain(add(1, 1), group(add(10), add(20), add(30)), task("total")), 66),
        "task, group, task, task": (chain(add(1, 1), group(add(10), add(20)), task("total"), add(1)), 35),
        "chord, task": (chain(add(0, 1), chord([add(1), add(2)], task("total")), add(5)), 10),
        "two chords": (chain(chord([add(1, 1), add(2, 2)], task("total")), group(add(1), add(2)), task("total")), 15),
        "a member tried again": (chord([task("flaky", 2), add(1, 1), task("flaky", 1)], task("total")), 5),
        "starmap": (every("starmap", task("add"), [[1, 1], [2, 2]], next(queues)), [2, 4]),
        "map": (every("map", task("echo"), [1, "two"], next(queues)), [1, "two"]),
        "large body": (chord([add(i, i) for i in range(12)], task("total", **long)), 132),
    }
    sent = {what: p.client.send_canvas(s) for what, (s, _) in wanted.items()}
    once = [p.client.send_canvas(chord([add(i, i) for i in range(10)], task("note", str(lines)))) for _ in range(10)]
    failing = p.client.send_canvas(
        chord([add(1, 1), task("fail", "value", "no"), add(2, 2)], task("total", link_error=[apology])))  # fmt: skip
    yield
    for what, handle in sent.items():
        p.equal(outcome(p.client, handle), wanted[what][1], f"canvas: {what}")
    for handle in once:
        p.equal(outcome(p.client, handle), None, "canvas: a body that notes")
    p.equal(len(p.lines(lines, len(once), "bodies run")), len(once), "canvas: bodies run once each")
    dependency = failing[0][1][1][1][0][0]  # the second member of the body's parent
    got = p.client.get(failing[0][0])
    p.check(isinstance(got, Failed) and got.type == "ChordError", f"canvas: a chord that fails: {got}")
    if isinstance(got, Failed):
        p.equal(got.message, f"Dependency {dependency} raised ValueError('no')", "canvas: why it fails")
    p.equal(p.lines(errors, 1, "the body's error link runs"), [failing[0][0]], "canvas: the body's error link")
