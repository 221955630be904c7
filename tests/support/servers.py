"""Real servers of a test's own: RabbitMQ, Redis, PostgreSQL, MariaDB on free loopback ports, each in a directory of its own.

    with servers.redis() as redis, servers.rabbitmq() as rabbit:
        print(redis.url(db=1), rabbit.url())

They answer when the block is entered, are ended by process id when it is left, and die with the thread that started
them (the kernel's rule for children that must not outlive a test): start them from the main thread.
LOVAGE_TEST_PORTS="17600-17699" keeps all ports within that range.
"""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from server_process import NotStarted, Server, die_with_parent, free_port, stop_process, wait_until  # noqa: F401


class Redis(Server):
    """Nothing it confirmed is lost by a kill -9 with `durable` (a log on disk, synced at each write)."""

    def __init__(self, work: Path, durable: bool = False, options: tuple[str, ...] = ()) -> None:
        super().__init__("redis", work)
        self.durable, self.options = durable, options

    def command(self) -> list[str]:
        program = shutil.which("redis-server")
        if program is None:
            raise NotStarted("redis-server is not installed")
        log = ("--appendonly", "yes", "--appendfsync", "always") if self.durable else ("--appendonly", "no")
        return [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.work), "--save", "",
                *log, *self.options]  # fmt: skip

    def answers(self) -> bool:
        return self.send_line(b"PING\r\n", b"+PONG")

    def url(self, db: int = 0, port: int | None = None) -> str:
        return f"redis://127.0.0.1:{port or self.port}/{db}"


class RabbitMQ(Server):
    """A node with its own name, cookie, port mapper and database; boots in five to ten seconds."""

    boot_limit = 120.0

    def __init__(self, work: Path, config: str = "", vhosts: tuple[str, ...] = ()) -> None:
        """`vhosts`: virtual hosts beside "/", which are there from the start."""
        super().__init__("rabbitmq", work)
        if vhosts:
            config += f"load_definitions = {self.define(vhosts)}\n"
        self.mapper_port, self.distribution_port = free_port(), free_port()
        self.mapper: subprocess.Popen[bytes] | None = None
        self.node = f"lovage{self.port}@localhost"
        (work / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.file.level = warning\ndisk_free_limit.absolute = 10MB\n{config}"
        )
        (work / "enabled_plugins").write_text("[].\n")

    def define(self, vhosts: tuple[str, ...]) -> Path:
        every = {"user": "guest", "configure": ".*", "write": ".*", "read": ".*"}
        definitions = {
            "users": [{"name": "guest", "password": "guest", "tags": "administrator"}],
            "vhosts": [{"name": name} for name in ("/", *vhosts)],
            "permissions": [{**every, "vhost": name} for name in ("/", *vhosts)],
        }
        path = self.work / "definitions.json"
        path.write_text(json.dumps(definitions))
        return path

    def program(self) -> str:
        # The wrapper in PATH insists on the user rabbitmq; the program itself runs as anyone.
        program = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
        if not program.exists():
            raise NotStarted("rabbitmq-server is not installed")
        return str(program)

    def command(self) -> list[str]:
        return [self.program()]

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_"))}
        place = str(self.work)
        return {
            **kept,
            "HOME": place,  # the Erlang cookie
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "ERL_EPMD_PORT": str(self.mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": f"{place}/data",
            "RABBITMQ_LOG_BASE": f"{place}/logs",
            "RABBITMQ_CONFIG_FILE": f"{place}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": f"{place}/none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{place}/enabled_plugins",
            "RABBITMQ_PID_FILE": f"{place}/pid",
            # The start script then becomes the server instead of waiting for it: its process id is the server's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def start(self) -> None:
        if self.mapper is None:  # left to itself, the node would start one that outlives it
            command = ["epmd", "-port", str(self.mapper_port), "-address", "127.0.0.1"]
            self.mapper = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)  # fmt: skip
        super().start()

    def answers(self) -> bool:
        # A version that it does not speak: answered with the one it does, without an entry in its log.
        return self.send_line(b"AMQP\x00\x00\x00\x00", b"AMQP")

    def stop(self) -> None:
        super().stop()
        if self.mapper is not None:
            self.mapper.kill()
            self.mapper.wait()
            self.mapper = None

    def url(self, vhost: str = "/", port: int | None = None) -> str:
        # Celery's spelling: everything after the first slash is the virtual host.
        return f"amqp://guest:guest@127.0.0.1:{port or self.port}/{vhost}"


class Postgres(Server):
    """As its own user where we are root, whom it refuses. Nothing it confirmed is lost by a kill -9: its writes are with
    the kernel; `durable`: nor by a power failure, which is slower."""

    programs = Path("/usr/lib/postgresql/15/bin")

    def __init__(self, work: Path, durable: bool = False, options: tuple[str, ...] = ()) -> None:
        """`options` such as "max_connections=20"."""
        super().__init__("postgres", work)
        self.durable, self.options = durable, options
        self.data = work / "data"

    def as_its_user(self, *command: str) -> list[str]:
        if os.geteuid() != 0:
            return list(command)
        # A change of user makes the kernel forget what die_with_parent told it.
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL", *command]

    def initialise(self) -> None:
        initdb = self.programs / "initdb"
        if not initdb.exists():
            raise NotStarted("postgresql is not installed")
        if os.geteuid() == 0:
            shutil.chown(self.work, "postgres")
        command = self.as_its_user(str(initdb), "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
                                   "--locale=C.UTF-8", "--no-sync", "--no-instructions")  # fmt: skip
        made = subprocess.run(command, cwd=self.work, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise NotStarted(f"initdb: {made.stdout}{made.stderr}")

    def command(self) -> list[str]:
        careless = () if self.durable else ("fsync=off", "full_page_writes=off")
        settings = ("listen_addresses=127.0.0.1", f"unix_socket_directories={self.work}", *careless, *self.options)
        return self.as_its_user(str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port),
                                *(word for s in settings for word in ("-c", s)))  # fmt: skip

    def start(self) -> None:
        if not self.data.exists():
            self.initialise()
        end = time.monotonic() + self.boot_limit
        while True:
            try:
                return super().start()
            except NotStarted as why:  # processes of a server that was killed still hold its memory
                if "still in use" not in str(why) or time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def answers(self) -> bool:
        # A session is offered when it asks for no password; while it recovers, it answers with an error.
        words = b"user\0postgres\0database\0postgres\0\0"
        return self.send_line((len(words) + 8).to_bytes(4, "big") + (3 << 16).to_bytes(4, "big") + words, b"R")

    def family(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [self.pid, *(int(pid) for pid in children.split())]

    def suspend(self) -> None:
        for pid in [self.pid, *self.family()]:  # the first, so that it makes no more
            with contextlib.suppress(ProcessLookupError):
                stop_process(pid)
        self.suspended = True

    def resume(self) -> None:
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.suspended = False

    def kill(self) -> None:
        """The others end by themselves when the first has died, unless they are suspended."""
        if self.suspended and self.alive():
            self.resume()
        super().kill()

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Rows of what it gives, a line each, columns parted by `|`."""
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(database)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{statement}: {done.stderr}")
        return done.stdout.strip()


class MariaDB(Server):
    """Nothing it confirmed is lost by a kill -9. Root comes in without a password."""

    def __init__(self, work: Path, options: tuple[str, ...] = ()) -> None:
        """`options` such as "--max-connections=20"."""
        super().__init__("mariadb", work)
        self.options = options
        self.data = work / "data"

    def common(self) -> list[str]:
        # As whoever we are: root has to be said aloud. Temporary files are its own: a server that starts sweeps away
        # those of whoever shares the directory.
        return ["--no-defaults", f"--user={pwd.getpwuid(os.geteuid()).pw_name}", f"--datadir={self.data}",
                f"--tmpdir={self.work}", "--innodb-log-file-size=8M"]  # fmt: skip

    def initialise(self) -> None:
        install = shutil.which("mariadb-install-db")
        if install is None:
            raise NotStarted("mariadb-server is not installed")
        command = [install, *self.common(), "--auth-root-authentication-method=normal", "--skip-test-db"]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise NotStarted(f"mariadb-install-db: {made.stdout}{made.stderr}")

    def command(self) -> list[str]:
        program = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            raise NotStarted("mariadb-server is not installed")
        return [program, *self.common(), f"--socket={self.work}/socket", f"--pid-file={self.work}/pid",
                f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=32M", *self.options]  # fmt: skip

    def start(self) -> None:
        if not self.data.exists():
            self.initialise()
        super().start()

    def answers(self) -> bool:
        """It speaks first: a packet that begins with the protocol's version."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(5)[4:] == b"\n"
        except OSError:
            return False

    def url(self, database: str = "mysql", driver: str = "") -> str:
        """`driver` as SQLAlchemy names it: "+pymysql"."""
        return f"mysql{driver}://root@127.0.0.1:{self.port}/{database}"

    def django(self, database: str) -> dict:
        """Django's settings for it; see `django_by_pymysql`."""
        return {"ENGINE": "django.db.backends.mysql", "NAME": database, "USER": "root", "HOST": "127.0.0.1",
                "PORT": self.port, "OPTIONS": {"charset": "utf8mb4"}}  # fmt: skip

    def execute(self, statement: str, database: str = "mysql") -> str:
        """Rows of what it gives, a line each, columns parted by tabs."""
        command = ["mariadb", "--no-defaults", "-u", "root", "-h", "127.0.0.1", "-P", str(self.port), "-N", "-B", "-e",
                   statement, database]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{statement}: {done.stderr}")
        return done.stdout.strip()


def django_by_pymysql() -> None:
    """Django takes PyMySQL for the package that it asks for, which would have to be compiled."""
    import pymysql

    pymysql.version_info = (2, 2, 8, "final", 0)
    pymysql.install_as_MySQLdb()


@contextlib.contextmanager
def _running(make) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="lovage-server.") as place:
        server = make(Path(place))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def redis(durable: bool = False, options: tuple[str, ...] = ()) -> contextlib.AbstractContextManager[Redis]:
    return _running(lambda place: Redis(place, durable, options))


def rabbitmq(config: str = "", vhosts: tuple[str, ...] = ()) -> contextlib.AbstractContextManager[RabbitMQ]:
    return _running(lambda place: RabbitMQ(place, config, vhosts))


def postgres(durable: bool = False, options: tuple[str, ...] = ()) -> contextlib.AbstractContextManager[Postgres]:
    return _running(lambda place: Postgres(place, durable, options))


def mariadb(options: tuple[str, ...] = ()) -> contextlib.AbstractContextManager[MariaDB]:
    return _running(lambda place: MariaDB(place, options))
