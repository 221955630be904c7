"""Messages that wait are taken by priority: RabbitMQ and lovage serve 9 first, Celery on Redis 0."""

import time

import cases

SENT = [3, 9, 0, 6, 9, 0]  # kombu's Redis transport knows four steps: 0, 3, 6, 9


def run(matrix, broker: str) -> None:
    for client_is_lovage in (False, True):
        one(matrix, broker, client_is_lovage, not client_is_lovage)


def one(matrix, broker: str, client_is_lovage: bool, worker_is_lovage: bool) -> None:
    client_kind, worker_kind = (("python", "lovage")[flag] for flag in (client_is_lovage, worker_is_lovage))
    name = f"{broker}-priorities-{client_kind}"
    place = matrix.work / name
    place.mkdir()
    settings = matrix.settings(broker, "redis", "json")
    if broker == "rabbitmq":
        settings["task_queue_max_priority"] = 10
    client = matrix.client(f"{name}/client", client_is_lovage, settings)
    p = cases.Pair(client, None, name, name, (broker, "redis", "json"), place)
    began = time.monotonic()
    worker = None
    try:
        file = p.file()
        for at, priority in enumerate(SENT):
            p.send("note", [f"{priority} {at}", str(file)], priority=priority)
        worker = matrix.worker(f"{name}/worker", worker_is_lovage, settings, [name], concurrency=1)
        worker.wait_ready()
        got = [int(line.split()[0]) for line in p.lines(file, len(SENT), "tasks of all priorities")]
        highest_first = broker == "rabbitmq" or worker.kind == "lovage"
        p.check(got == sorted(SENT, reverse=highest_first), f"order of priorities: {got}")
    except Exception as e:  # noqa: BLE001
        p.check(False, f"{type(e).__name__}: {e}")
    finally:
        client.close()
        if worker is not None and (problem := worker.stop()):
            p.check(False, problem)
    matrix.told(f"{broker} priorities   {client_kind} client -> {worker_kind} worker", p, time.monotonic() - began)
