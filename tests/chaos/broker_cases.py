"""The faults of broker_faults.py: what is done, for how long, and why a task may then run twice."""

import time
from collections.abc import Callable
from dataclasses import dataclass

# Not acknowledged when the connection went: delivered again. At most what the workers held, times the connections lost.
REDELIVERED = "ran before the connection was lost, and its acknowledgement had not arrived: delivered again"
DIED = "had run, and its worker died before the acknowledgement: delivered again"
UNHEARD = "its holder was not heard of for longer than the lease, so another worker ran it too"
NOT_AT_ALL = ""


@dataclass(frozen=True)
class Case:
    """`act` makes the fault and ends it; when it returns, the broker can be reached again."""

    name: str
    act: Callable
    why_twice: str
    brokers: tuple[str, ...] = ("rabbitmq", "redis")
    short: tuple[str, ...] = ()  # brokers where the short run has it


def cut(run) -> None:
    end = time.monotonic() + run.scale(15, 5)
    while time.monotonic() < end:
        time.sleep(0.2)
        run.proxy.cut()


def stall(run) -> None:
    run.proxy.stall()
    time.sleep(15)
    run.proxy.flow()


def stall_answers(run) -> None:
    run.proxy.stall(up=False)
    time.sleep(15)
    run.proxy.flow()


def silence(run) -> None:
    run.proxy.fall_silent()
    time.sleep(15)
    run.proxy.speak()


def delay(run) -> None:
    run.proxy.delay(0.2)
    time.sleep(run.scale(15, 5))
    run.proxy.delay(0)


def half_close(run) -> None:
    end = time.monotonic() + run.scale(15, 5)
    while time.monotonic() < end:
        time.sleep(1)
        run.proxy.half_close()


def refuse(run) -> None:
    run.proxy.refuse()
    time.sleep(run.scale(15, 5))
    run.proxy.listen()


def kill_broker(run) -> None:
    run.server.kill()
    time.sleep(2)
    run.server.restart()


def suspend_broker(run) -> None:
    run.server.suspend()
    time.sleep(15)
    run.server.resume()


def kill_worker(run) -> None:
    for worker in run.workers * run.scale(2, 1):
        worker.kill()
        time.sleep(1)
        worker.start()
        time.sleep(2)


def suspend_worker(run) -> None:
    """Longer than the lease of 30 s: what it held is run by the other one, and the rest of its own by itself."""
    run.suspend(run.workers[0])
    time.sleep(50 if run.broker == "redis" else 15)
    run.resume(run.workers[0])


def kill_producer(run) -> None:
    for producer in run.producers * run.scale(5, 2):
        time.sleep(0.7)
        if producer.alive():
            producer.kill()
            producer.start()


BOTH = ("rabbitmq", "redis")
CASES = [
    Case("cut every 200 ms", cut, REDELIVERED, short=BOTH),
    Case("stall for 15 s", stall, REDELIVERED),
    Case("answers stall for 15 s", stall_answers, REDELIVERED),
    Case("silent for 15 s", silence, REDELIVERED, short=("rabbitmq",)),
    Case("200 ms later, each way", delay, NOT_AT_ALL),
    Case("half-closed every second", half_close, REDELIVERED),
    Case("refused for 15 s", refuse, REDELIVERED),
    Case("broker killed and started", kill_broker, REDELIVERED, short=BOTH),
    Case("broker stopped for 15 s", suspend_broker, REDELIVERED),
    Case("worker killed", kill_worker, DIED, short=("redis",)),
    Case("worker stopped", suspend_worker, UNHEARD),
    Case("producer killed", kill_producer, NOT_AT_ALL),
]
