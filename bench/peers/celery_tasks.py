"""The tasks of bench/noop_plugin.cpp in Celery. BENCH_BROKER and BENCH_RESULTS (empty: none) say where.

    BENCH_BROKER=redis://localhost:6379/0 celery -A celery_tasks worker -P prefork -c 2
"""

import os

from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ.get("BENCH_RESULTS") or None)
app.conf.update(task_ignore_result=not os.environ.get("BENCH_RESULTS"), worker_prefetch_multiplier=128, task_acks_late=True)


@app.task(name="bench.noop")
def noop():
    pass


@app.task(name="bench.add")
def add(x, y):
    return x + y


@app.task(name="bench.total")
def total(xs):
    return len(xs)
