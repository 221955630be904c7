"""Real kombu and Celery read what lovage writes, and the other way round.

    python_peer_test.py path/to/wire_tool

Every serializer with every compression, in both directions; and Celery's own Request reads a whole message.
"""
import base64
import datetime as dt
import decimal
import itertools
import json
import math
import subprocess
import sys
import unittest
import uuid

from kombu import compression, serialization
from kombu.transport.virtual import Message
from kombu.utils import json as kombu_json

TOOL = None
ACCEPT = serialization.prepare_accept_content(["json", "msgpack", "yaml"])
SERIALIZERS = ["json", "msgpack", "yaml"]
COMPRESSIONS = ["none", "zlib", "bzip2", "lzma", "brotli", "zstd"]

PLAIN = [
    [[], {}],
    [[2, 3], {"x": None, "y": [True, False, {}], "": "empty key"}],
    [["gr\u00fc\u00dfe \u4e16\u754c \U0001f33f", "line\nbreak\ttab \"quote\" 'single' back\\slash", "yes", "1e3", "~", ""],
     {"nested": {"a": [[], [[]], {"b": {}}]}}],
    [[0, -1, 2**31, -2**63, 2**63 - 1, 0.1, -0.5, 1e300, 1.0], {"long": "x" * 5000}],
    [["2020-01-02", "null", "- dash", "# hash", "key: value", " lead", "trail ", "\u2028", "@at", "%percent", "0x1f"], {}],
]
TYPED = [
    [[dt.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=dt.timezone.utc), dt.datetime(2020, 1, 2, 3, 4, 5),
      dt.date(2020, 1, 2), decimal.Decimal("1.50"), uuid.UUID("12345678-1234-5678-1234-567812345678"),
      b"\x00\xff bytes", b"ascii"], {}],
    [[2**64, -2**70, 2**64 - 1], {"inf": math.inf}],
]
BYTES = [
    [[b"abc"], {}],
    [[[b"", b"\x00\xff" * 100], {"deep": b"x"}], {"k": b"abc", "l": [[b"\n"]]}],
]


def tool(arguments, lines):
    """The answers of wire_tool, one for each line."""
    done = subprocess.run([TOOL, *arguments], input="".join(line + "\n" for line in lines), capture_output=True,
                          encoding="utf-8", check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(lines), done.stderr
    for answer in answers:
        assert not answer.startswith("error: "), answer
    return answers


def body_of(envelope):
    """What kombu makes of an envelope's body."""
    body = base64.b64decode(envelope["body"])
    method = envelope["headers"].get("compression")
    if method:
        body = compression.decompress(body, method)
    return serialization.loads(body, envelope["content-type"], envelope["content-encoding"], accept=ACCEPT)


def python_envelope(case, serializer, method):
    """The same message as kombu writes it."""
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    content_type, encoding, body = serialization.dumps([*case, embed], serializer)
    headers = {"lang": "py", "task": "peer.echo", "id": "t1"}
    body = body.encode() if isinstance(body, str) else body
    if method != "none":
        body, headers["compression"] = compression.compress(body, method)
    properties = {"delivery_info": {"exchange": "", "routing_key": "celery"}, "delivery_tag": "tag",
                  "body_encoding": "base64"}
    return json.dumps({"body": base64.b64encode(body).decode(), "content-encoding": encoding,
                       "content-type": content_type, "headers": headers, "properties": properties})


class PeerTest(unittest.TestCase):
    def test_kombu_reads_every_serializer_and_compression(self):
        for serializer, method in itertools.product(SERIALIZERS, COMPRESSIONS):
            lines = tool(["encode", serializer, method, "plain"], [json.dumps(case) for case in PLAIN])
            for case, line in zip(PLAIN, lines):
                with self.subTest(serializer=serializer, compression=method, case=case):
                    args, kwargs, embed = body_of(json.loads(line))
                    self.assertEqual([args, kwargs], case)
                    self.assertEqual(set(embed), {"callbacks", "errbacks", "chain", "chord"})

    def test_lovage_reads_every_serializer_and_compression(self):
        for serializer, method in itertools.product(SERIALIZERS, COMPRESSIONS):
            lines = tool(["decode"], [python_envelope(case, serializer, method) for case in PLAIN])
            for case, line in zip(PLAIN, lines):
                with self.subTest(serializer=serializer, compression=method, case=case):
                    self.assertEqual(kombu_json.loads(line)[:2], case)

    def test_typed_values_cross_in_json(self):
        lines = tool(["encode", "json", "none", "typed"], [kombu_json.dumps(case) for case in TYPED])
        for case, line in zip(TYPED, lines):
            self.assertEqual(body_of(json.loads(line))[:2], case)
        lines = tool(["decode"], [python_envelope(case, "json", "none") for case in TYPED])
        for case, line in zip(TYPED, lines):
            self.assertEqual(kombu_json.loads(line)[:2], case)

    def test_bytes_cross_in_every_serializer(self):
        for serializer in SERIALIZERS:
            with self.subTest(serializer=serializer):
                lines = tool(["encode", serializer, "none", "typed"], [kombu_json.dumps(case) for case in BYTES])
                self.assertEqual([body_of(json.loads(line))[:2] for line in lines], BYTES)
                lines = tool(["decode"], [python_envelope(case, serializer, "none") for case in BYTES])
                self.assertEqual([kombu_json.loads(line)[:2] for line in lines], BYTES)

    def test_celery_makes_a_request_of_the_message(self):
        from celery import Celery
        from celery.worker.request import Request

        app = Celery("peer", set_as_current=False)

        @app.task(name="peer.echo")
        def task(*args, **kwargs):
            return None

        envelope = json.loads(tool(["encode", "json", "zstd", "plain"], [json.dumps([[2, 3], {"x": 1}])])[0])
        channel = type("channel", (), {"decode_body": lambda self, body, encoding: base64.b64decode(body)})()
        message = Message({**envelope, "body": envelope["body"]}, channel=channel, accept=ACCEPT)
        request = Request(message, app=app, task=task, decoded=False)
        args, kwargs, embed = request._payload
        self.assertEqual((args, kwargs), ([2, 3], {"x": 1}))
        self.assertEqual(request.id, "00000000-0000-4000-8000-000000000001")
        self.assertEqual(request.name, "peer.echo")
        self.assertEqual(request.argsrepr, "(2, 3)")
        self.assertEqual(request.kwargsrepr, "{'x': 1}")
        self.assertEqual(request.time_limits, [None, 1.5])
        self.assertEqual(request.request_dict["retries"], 2)
        self.assertEqual(request.eta, dt.datetime(2030, 1, 2, 3, 4, 5, 250, tzinfo=dt.timezone.utc))
        self.assertEqual(request.reply_to, "peer")
        self.assertEqual(request.correlation_id, request.id)
        self.assertEqual(request.request_dict["tenant"], "acme")

    def test_lovage_reads_what_celery_publishes(self):
        from celery import Celery

        app = Celery("peer", broker="memory://", set_as_current=False)
        link = app.signature("peer.after", args=(10,))
        message = app.amqp.as_task_v2("t1", "peer.echo", args=(2, 3), kwargs={"x": 1}, countdown=5, expires=60,
                                      callbacks=[link], time_limit=5, soft_time_limit=2.5)
        content_type, encoding, body = serialization.dumps(message.body, "json")
        envelope = {"body": base64.b64encode(body.encode()).decode(), "content-encoding": encoding,
                    "content-type": content_type, "headers": message.headers,
                    "properties": {**message.properties, "delivery_info": {"exchange": "", "routing_key": "celery"},
                                   "delivery_tag": "tag", "body_encoding": "base64"}}
        args, kwargs, embed = kombu_json.loads(tool(["decode"], [json.dumps(envelope)])[0])
        self.assertEqual((args, kwargs), ([2, 3], {"x": 1}))
        self.assertEqual(embed["callbacks"][0]["args"], [10])


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    unittest.main(verbosity=1)
