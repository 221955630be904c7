"""The servers of servers.py start, fall silent, die and come back with what they had."""

import socket
import unittest

import servers


def answers(server: servers.Server, line: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=1) as connection:
        connection.sendall(line)
        return connection.recv(64)


class ServersTest(unittest.TestCase):
    def survives_everything(self, server: servers.Server) -> None:
        self.assertTrue(server.answers())
        server.suspend()
        self.assertFalse(server.answers(), "a suspended server must not answer")
        server.resume()
        servers.wait_until(server.answers, 10, "an answer after SIGCONT")
        before, port = server.pid, server.port
        server.kill()
        self.assertFalse(server.answers())
        server.restart()
        self.assertNotEqual(server.pid, before)
        self.assertEqual(server.port, port)
        self.assertTrue(server.answers())

    def test_redis_keeps_what_it_confirmed_when_it_is_durable(self) -> None:
        with servers.redis(durable=True) as redis:
            self.assertTrue(answers(redis, b"SET key kept\r\n").startswith(b"+OK"))
            self.survives_everything(redis)
            self.assertIn(b"kept", answers(redis, b"GET key\r\n"))
            pid = redis.pid
        self.assertFalse(redis.alive(), pid)

    def test_rabbitmq_is_the_process_we_hold(self) -> None:
        with servers.rabbitmq() as rabbit:
            with open(f"/proc/{rabbit.pid}/cmdline", "rb") as f:
                self.assertIn(b"beam.smp", f.read())
            self.survives_everything(rabbit)
            mapper = rabbit.mapper
        self.assertFalse(rabbit.alive())
        self.assertIsNotNone(mapper.poll())

    def test_postgres_keeps_what_it_confirmed(self) -> None:
        with servers.postgres() as postgres:
            postgres.execute("CREATE TABLE kept (what text)")
            postgres.execute("INSERT INTO kept VALUES ('this')")
            self.survives_everything(postgres)
            self.assertEqual(postgres.execute("SELECT what FROM kept"), "this")
        self.assertFalse(postgres.alive())

    def test_a_server_that_cannot_start_says_why(self) -> None:
        with self.assertRaises(servers.NotStarted) as caught, servers.redis(options=("--no-such-option", "1")):
            pass
        self.assertIn("no-such-option", str(caught.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
