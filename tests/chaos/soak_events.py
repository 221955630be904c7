"""What happens to the workers of a soak."""

import json
import signal
import time

import processes

ANSWER_WITHIN = 10.0  # the witness, on a busy machine
SIZES = (1, 4)
QUESTIONS = ["active", "reserved", "scheduled", "revoked", "registered", "stats", "conf", "active_queues", "report",
             "clock", "heartbeat", "ping"]  # fmt: skip


def kill(soak) -> bool:
    if worker := soak.crew.idle_victim():
        worker.kill()
        worker.begin()
    return worker is not None


def kill_starting(soak) -> bool:
    """One that is not up yet."""
    starting = [w for w in soak.crew.victims if w.alive() and not w.ready]
    for worker in starting[:1]:
        worker.kill()
        worker.begin()
    return bool(starting)


def stop_warmly(soak) -> bool:
    if worker := soak.crew.idle_victim():
        worker.ask_to_end(signal.SIGTERM, 0)
    return worker is not None


def stop_coldly(soak) -> bool:
    if worker := soak.crew.idle_victim():
        worker.ask_to_end(signal.SIGQUIT, 1)
    return worker is not None


def reload(soak) -> bool:
    if worker := soak.crew.idle_victim():
        worker.reload()
    return worker is not None


def reload_and_stop(soak) -> bool:
    """Wherever it is then, on its way down, up, or between two programs: it ends."""
    if worker := soak.crew.idle_victim():
        worker.reload()
        time.sleep(soak.chance.uniform(0, 0.3))
        worker.ask_to_end(signal.SIGTERM, 0)
    return worker is not None


def kill_child(soak) -> bool:
    children = processes.leaves(soak.chance.choice(soak.crew.all).pid)
    return bool(children) and processes.kill_hard(soak.chance.choice(children))


def ask(soak, command: str, destination: list[str] | None = None, **arguments) -> dict:
    """What each answered; the witness always does."""
    those = destination or [soak.crew.witness.node]
    said = soak.app.control.broadcast(command, arguments=arguments, destination=those, reply=True, limit=len(those),
                                      timeout=ANSWER_WITHIN)  # fmt: skip
    answers = {node: answer for reply in said or [] for node, answer in reply.items()}
    if soak.crew.witness.node in those and soak.crew.witness.node not in answers:
        soak.problems.append(f"the witness did not answer {command}")
    return answers


def told(soak, command: str, **arguments) -> bool:
    answer = ask(soak, command, **arguments).get(soak.crew.witness.node)
    if isinstance(answer, dict) and "error" in answer:
        soak.problems.append(f"{command} {arguments}: {answer}")
    return True


def resize(soak) -> bool:
    stats = ask(soak, "stats").get(soak.crew.witness.node, {})
    size = stats.get("pool", {}).get("max-concurrency", 2)
    grows = size <= SIZES[0] or (size < SIZES[1] and soak.chance.random() < 0.5)
    return told(soak, "pool_grow" if grows else "pool_shrink", n=1)


def grow_to_most(soak) -> None:
    told(soak, "pool_grow", n=SIZES[1] - 2)


def autoscale(soak) -> bool:
    """Told to whom it concerns, who may be away."""
    most = soak.chance.randint(3, 6)
    soak.app.control.autoscale(most, 1, destination=[soak.crew.victims[1].node])
    return True


def rate_limit(soak) -> bool:
    soak.app.control.rate_limit("pools.pid", soak.chance.choice(["5/s", "50/s", "0"]))
    return True


def time_limit(soak) -> bool:
    return told(soak, "time_limit", task_name="pools.tidy", soft=soak.chance.randint(5, 50), hard=60)


def add_queue(soak) -> bool:
    return told(soak, "add_consumer", queue="soak.extra")


def leave_queue(soak) -> bool:
    return told(soak, "cancel_consumer", queue="soak.extra")


def restart_pool(soak) -> bool:
    return told(soak, "pool_restart")


def events(soak) -> bool:
    return told(soak, soak.chance.choice(["enable_events", "disable_events"]))


def inspect(soak) -> bool:
    return told(soak, soak.chance.choice(QUESTIONS))


def let_rest(soak) -> bool:
    soak.lovage("queues", "pause", "soak")
    soak.lovage("queues", "resume", "soak")
    return True


EVENTS = [
    ("kill -9 of a worker", 6, kill),
    ("kill -9 of a worker that starts", 3, kill_starting),
    ("warm shutdown (TERM)", 4, stop_warmly),
    ("cold shutdown (QUIT)", 3, stop_coldly),
    ("reload (HUP)", 4, reload),
    ("reload and TERM", 3, reload_and_stop),
    ("kill -9 of a pool child", 8, kill_child),
    ("pool_grow or pool_shrink", 6, resize),
    ("autoscale", 3, autoscale),
    ("rate_limit", 3, rate_limit),
    ("time_limit", 2, time_limit),
    ("add_consumer", 3, add_queue),
    ("cancel_consumer", 3, leave_queue),
    ("pool_restart", 2, restart_pool),
    ("enable_events or disable_events", 3, events),
    ("inspect", 8, inspect),
    ("queues pause and resume", 2, let_rest),
]  # fmt: skip


def act(soak) -> None:
    name, _, does = soak.chance.choices(EVENTS, [weight for _, weight, _ in EVENTS])[0]
    if does(soak):
        soak.done[name] += 1


def each_once(soak) -> None:
    for question in QUESTIONS:
        told(soak, question)
    for _, _, does in EVENTS:
        does(soak)


def calm(soak) -> None:
    """As it was at the start, and somebody takes from every queue."""
    soak.app.control.rate_limit("pools.pid", "0")
    add_queue(soak)
    told(soak, "enable_events")
    size = ask(soak, "stats").get(soak.crew.witness.node, {})
    if not size:
        soak.problems.append(f"the witness tells nothing of itself: {json.dumps(size)}")
