"""Who is told of alerts: a webhook and a mail server, which can refuse, on free ports."""

import contextlib
import email
import email.policy
import http.server
import json
import socketserver
import threading


class Inbox:
    """What came, in its order; and how many more deliveries are to be refused."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.messages: list = []
        self.to_refuse = self.refused = 0

    def refuses(self) -> bool:
        with self.changed:
            if self.to_refuse == 0:
                return False
            self.to_refuse -= 1
            self.refused += 1
            return True

    def add(self, message) -> None:
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def wait(self, count: int, seconds: float = 60) -> list:
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.messages) >= count, seconds):
                raise TimeoutError(f"{len(self.messages)} came, {count} were awaited: {self.messages}")
            return list(self.messages)


class _Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refused = self.server.inbox.refuses()
        self.send_response(503 if refused else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if not refused:
            self.server.inbox.add(json.loads(body))

    def log_message(self, *_) -> None:
        pass


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs."""

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        self.say("220 here")
        envelope: dict = {"to": []}
        for line in self.rfile:
            word, _, rest = line.decode().strip().partition(" ")
            if word == "MAIL":
                refused = self.server.inbox.refuses()
                envelope["from"] = rest
                self.say("451 later" if refused else "250 ok")
            elif word == "RCPT":
                envelope["to"].append(rest)
                self.say("250 ok")
            elif word == "DATA":
                self.say("354 go on")
                lines = []
                while (text := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(text.removeprefix(b"."))
                envelope["mail"] = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                self.server.inbox.add(envelope)
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


@contextlib.contextmanager
def _served(made):
    with made as server:
        server.daemon_threads = True
        server.inbox = Inbox()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.inbox, server.server_address[1]
        finally:
            server.shutdown()


def webhook():
    """Gives its inbox, of decoded JSON, and its port."""
    return _served(http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Webhook))


def mail():
    """Gives its inbox, of {"from", "to", "mail"}, and its port."""
    return _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail))
