"""Each fault of proxy.py does what it says, against a server that echoes."""

import contextlib
import socket
import threading
import time
import unittest

from proxy import Proxy


def echo(listener: socket.socket) -> None:
    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    with contextlib.suppress(OSError):
        while True:
            threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()


class ProxyTest(unittest.TestCase):
    def setUp(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        threading.Thread(target=echo, args=[self.listener], daemon=True).start()
        self.proxy = self.enterContext(Proxy(self.listener.getsockname()[1]))

    def connect(self, timeout: float = 5) -> socket.socket:
        return self.enterContext(socket.create_connection(("127.0.0.1", self.proxy.port), timeout=timeout))

    def says(self, client: socket.socket, text: bytes) -> bytes:
        client.sendall(text)
        return client.recv(64)

    def test_bytes_pass_both_ways(self) -> None:
        self.assertEqual(self.says(self.connect(), b"hello"), b"hello")

    def test_large_amounts_pass_unharmed(self) -> None:
        client, sent = self.connect(), bytes(range(256)) * 20_000
        threading.Thread(target=client.sendall, args=[sent], daemon=True).start()
        got = b""
        while len(got) < len(sent):
            got += client.recv(1 << 20)
        self.assertEqual(got, sent)

    def test_cut_resets_and_accepts_again(self) -> None:
        client = self.connect()
        self.says(client, b"a")
        self.proxy.cut()
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        self.assertEqual(self.says(self.connect(), b"b"), b"b")

    def test_a_client_that_is_killed_is_gone_for_the_server_too(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, Proxy(listener.getsockname()[1]) as proxy:
            client = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
            server = self.enterContext(listener.accept()[0])
            server.settimeout(5)
            server.sendall(b"never read")
            self.assertEqual(client.recv(1), b"n")
            client.close()  # bytes that nobody read: the kernel sends a reset, as it does for a process that was killed
            with self.assertRaises(ConnectionResetError):
                server.recv(1)

    def test_refuse_closes_the_port_until_it_listens(self) -> None:
        client = self.connect()
        self.says(client, b"a")
        self.proxy.refuse()
        with self.assertRaises(OSError):
            self.connect()
        self.proxy.listen()
        self.assertEqual(self.says(self.connect(), b"b"), b"b")

    def test_stall_keeps_every_byte(self) -> None:
        for up, down in ((True, False), (False, True), (True, True)):
            client = self.connect(timeout=0.2)
            self.says(client, b"a")
            self.proxy.stall(up=up, down=down)
            client.sendall(b"kept")
            with self.assertRaises(TimeoutError):
                client.recv(64)
            self.proxy.flow()
            self.assertEqual(client.recv(64), b"kept")

    def test_silence_accepts_and_swallows(self) -> None:
        old = self.connect(timeout=0.2)
        self.says(old, b"a")
        self.proxy.fall_silent()
        for client in (old, self.connect(timeout=0.2)):
            client.sendall(b"lost")
            with self.assertRaises(TimeoutError):
                client.recv(64)
        self.proxy.speak()
        with self.assertRaises(ConnectionResetError):
            old.recv(64)
        self.assertEqual(self.says(self.connect(), b"b"), b"b")

    def test_delay_comes_on_top_of_each_way_and_slows_no_stream(self) -> None:
        client = self.connect()
        self.proxy.delay(0.1)
        began = time.monotonic()
        for _ in range(20):  # each a piece of its own
            client.sendall(b"x")
            time.sleep(0.001)
        got = b""
        while len(got) < 20:
            got += client.recv(64)
        took = time.monotonic() - began
        self.assertGreaterEqual(took, 0.2)
        self.assertLess(took, 1.0)

    def test_half_close_ends_the_clients_reading_only(self) -> None:
        client = self.connect()
        self.says(client, b"a")
        self.proxy.half_close()
        self.assertEqual(client.recv(64), b"")
        client.sendall(b"still taken")


if __name__ == "__main__":
    unittest.main(verbosity=2)
