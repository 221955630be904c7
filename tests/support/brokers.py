"""An empty broker and result backend for each test of a file, of the kind that LOVAGE_TEST_BROKER names.

    sqlite    (default) one file in the test's directory
    redis     databases 0 and 1 of a server that the file's tests share
    postgres  a database of a shared server, and results in a file
    rabbitmq  a virtual host of a shared server, and results in a Redis
"""

import atexit
import contextlib
import itertools
import os

import servers

KIND = os.environ.get("LOVAGE_TEST_BROKER", "sqlite")
_kept = contextlib.ExitStack()  # servers, until the program ends
atexit.register(_kept.close)
_redis: servers.Redis | None = None
_postgres: servers.Postgres | None = None
_databases = itertools.count()
_rabbitmq: servers.RabbitMQ | None = None
_vhosts = [f"test{n}" for n in range(60)]


def fresh(directory: str) -> tuple[str, str]:
    """URLs of a broker and of a result backend in which nothing is."""
    if KIND == "sqlite":
        store = f"sqlite:///{directory}/store.db"
        return store, store
    if KIND == "postgres":
        return _empty_database(), f"sqlite:///{directory}/results.db"
    results = _empty_redis()
    if KIND == "redis":
        return results.url(0), results.url(1)
    assert KIND == "rabbitmq", KIND
    global _rabbitmq
    if _rabbitmq is None:
        _rabbitmq = _kept.enter_context(servers.rabbitmq(vhosts=tuple(_vhosts)))
    return _rabbitmq.url(_vhosts.pop()), results.url(1)


def _empty_database() -> str:
    global _postgres
    if _postgres is None:
        _postgres = _kept.enter_context(servers.postgres())
    name = f"test{next(_databases)}"
    _postgres.execute(f"CREATE DATABASE {name}")
    return _postgres.url(name)


def _empty_redis() -> servers.Redis:
    global _redis
    if _redis is None:
        _redis = _kept.enter_context(servers.redis())
    if not _redis.send_line(b"FLUSHALL\r\n", b"+OK"):
        raise RuntimeError("the Redis of the tests cannot be emptied")
    return _redis
