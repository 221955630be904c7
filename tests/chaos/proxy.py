"""A TCP proxy that does to a connection what networks do: cuts, stalls, delays, falls silent, half-closes, refuses.

    with Proxy(target_port) as proxy:
        url = f"amqp://guest:guest@127.0.0.1:{proxy.port}//"
        proxy.cut()

It runs in a thread of its own; every method may be called from any other and has taken effect when it returns.
"""

import asyncio
import contextlib
import socket
import struct
import threading
import time

CHUNK = 65536


class Connection:
    """One client and, unless it came while all was silent, its connection to the target."""

    def __init__(self, proxy: "Proxy", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.target: asyncio.StreamWriter | None = None
        self.swallowed = False  # bytes are missing: of no use once all is well again
        self.half_closed = False
        self.tasks: list[asyncio.Task] = []

    async def run(self) -> None:
        try:
            if self.proxy.silent:
                self.swallowed = True
                while await self.reader.read(CHUNK):
                    pass
                return
            reader, self.target = await asyncio.open_connection("127.0.0.1", self.proxy.target_port)
            self.tasks = [
                asyncio.ensure_future(self.pump(self.reader, self.target, "up")),
                asyncio.ensure_future(self.pump(reader, self.writer, "down")),
            ]
            await asyncio.wait(self.tasks)
        except OSError:
            pass
        finally:
            self.abort()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        """Reads as fast as it may and writes each piece when its time has come: a delay slows nothing but the first."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
        writing = asyncio.ensure_future(self.write(waiting, writer, way))
        try:
            # A connection that breaks ends its pump; what it had read is gone, as in a network.
            while data := await reader.read(CHUNK):
                await self.proxy.gate[way].wait()
                if self.proxy.silent:
                    self.swallowed = True
                    continue
                await waiting.put((time.monotonic() + self.proxy.delay_s, data))
            await waiting.put((time.monotonic() + self.proxy.delay_s, b""))
            await writing
        except OSError:  # a reset, which reaches the other side too, unless nothing does
            if not self.proxy.silent:
                self.abort()
        except asyncio.CancelledError:
            pass
        finally:
            writing.cancel()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writing

    async def write(self, waiting: asyncio.Queue, writer: asyncio.StreamWriter, way: str) -> None:
        while True:
            due, data = await waiting.get()
            if (left := due - time.monotonic()) > 0:
                await asyncio.sleep(left)
            await self.proxy.gate[way].wait()
            if way == "down" and self.half_closed:
                continue
            if not data:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    def half_close(self) -> None:
        """The client reads the end of the stream, and may go on sending."""
        self.half_closed = True
        with contextlib.suppress(OSError, RuntimeError):
            self.writer.write_eof()

    def abort(self) -> None:
        """Both sides get a reset."""
        for task in self.tasks:
            task.cancel()
        for writer in (self.writer, self.target):
            if writer is None:
                continue
            # A socket that lingers for no time sends RST, even with bytes in its buffers.
            with contextlib.suppress(OSError, AttributeError):
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self.proxy.connections.discard(self)


class Proxy:
    def __init__(self, target_port: int, port: int = 0) -> None:
        self.target_port, self.port = target_port, port
        self.silent = False
        self.delay_s = 0.0
        self.accepted = 0
        self.connections: set[Connection] = set()
        self.serving: set[asyncio.Task] = set()
        self.gate: dict[str, asyncio.Event] = {}
        self.server: asyncio.Server | None = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> "Proxy":
        self.thread.start()
        self.on_loop(self.open())
        return self

    def __exit__(self, *_: object) -> None:
        self.on_loop(self.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def on_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    async def open(self) -> None:
        for way in ("up", "down"):
            if way not in self.gate:
                self.gate[way] = asyncio.Event()
                self.gate[way].set()
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
        await self.abort_all()
        if self.serving:
            await asyncio.wait(self.serving, timeout=5)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        connection = Connection(self, reader, writer)
        self.connections.add(connection)
        task = asyncio.current_task()
        self.serving.add(task)
        try:
            await connection.run()
        finally:
            self.serving.discard(task)

    async def abort_all(self, only_swallowed: bool = False) -> None:
        for connection in list(self.connections):
            if connection.swallowed or not only_swallowed:
                connection.abort()

    # The faults

    def cut(self) -> None:
        """Resets every connection; new ones are accepted."""
        self.on_loop(self.abort_all())

    def refuse(self) -> None:
        """Resets every connection and listens no more, until `listen`."""
        self.on_loop(self.close())

    def listen(self) -> None:
        self.on_loop(self.open())

    def stall(self, up: bool = True, down: bool = True) -> None:
        """Bytes from the client (up) or to it (down) wait, none is lost; `flow` lets them go."""

        async def shut() -> None:
            for way, wanted in (("up", up), ("down", down)):
                if wanted:
                    self.gate[way].clear()

        self.on_loop(shut())

    def flow(self) -> None:
        async def open_gates() -> None:
            for gate in self.gate.values():
                gate.set()

        self.on_loop(open_gates())

    def fall_silent(self) -> None:
        """Accepts and swallows, says nothing, closes nothing."""

        async def silence() -> None:
            self.silent = True

        self.on_loop(silence())

    def speak(self) -> None:
        """After silence: what lost bytes is reset, new connections are served."""

        async def end() -> None:
            self.silent = False
            await self.abort_all(only_swallowed=True)

        self.on_loop(end())

    def delay(self, seconds: float) -> None:
        """Everything takes this much longer, each way; zero ends it."""

        async def set_delay() -> None:
            self.delay_s = seconds

        self.on_loop(set_delay())

    def half_close(self) -> None:
        """Every client reads the end of the stream now; its own bytes still arrive."""

        async def close_all() -> None:
            for connection in list(self.connections):
                connection.half_close()

        self.on_loop(close_all())
