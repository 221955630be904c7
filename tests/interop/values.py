"""Values of every type, how they look after a journey, and their text for the pipe to the C++ client."""

import base64
import datetime as dt
import decimal
import json
import math
import uuid


def aware(*args: int, hours: int = 0) -> dt.datetime:
    return dt.datetime(*args, tzinfo=dt.timezone(dt.timedelta(hours=hours)))


INTEGERS = [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]
WIDE = [2**64 - 1]
HUGE = [2**64, -(2**70), 10**40]
FLOATS = [0.1, -0.0, 1.0, 1e300, math.nan, math.inf, -math.inf]
TEXTS = ["", "gr\u00fc\u00dfe \u4e16\u754c \U0001f33f", "line\nbreak\ttab \"double\" 'single' back\\slash", "control \x00\x1f",
         "yes", "null", "2020-01-02", "1e3", "~", " lead", "trail ", "# hash", "- dash", "a: b", "\u2028", "x" * 100_000]  # fmt: skip
BYTES = [b"", b"ascii", b"\x00\xff bytes"]
SINGLE = [None, True, False]
LISTS = [[], [[], [[]]], [1, "a", None, [2.5, {"k": []}]], list(range(1000))]
DICTS = [{}, {"a": {"b": {"c": [1, {"d": None}]}}}, {"": "empty key", "\u4e16": 1, "yes": True, "1": 1}]
MOMENTS = [aware(2020, 1, 2, 3, 4, 5, 678901), aware(2020, 1, 2, 3, 4, 5), aware(2020, 1, 2, 3, 4, 5, hours=2),
           dt.datetime(2020, 1, 2, 3, 4, 5), dt.datetime(1969, 12, 31, 23, 59, 59, 999999)]  # fmt: skip
DATES = [dt.date(2020, 1, 2), dt.date(1900, 2, 28)]
TIMES = [dt.time(3, 4, 5, 600000)]
IDS = [uuid.UUID("12345678-1234-5678-1234-567812345678")]
DECIMALS = [decimal.Decimal("1.50"), decimal.Decimal("-0.001")]
EVERY_VALUE = (INTEGERS + WIDE + HUGE + FLOATS + TEXTS + BYTES + SINGLE + LISTS + DICTS + MOMENTS + DATES + TIMES
               + IDS + DECIMALS)  # fmt: skip
# One that says it all, where the whole list would take too long.
CHEAP_VALUE = {"text": "gr\u00fc\u00dfe \U0001f33f", "numbers": [0, -1, 2**53 + 1, 0.1], "nested": [None, {"k": [True]}], "x": "y" * 2000}

TAG = "__type__"


class Refused(Exception):
    """This writer has no form for this value in this format."""


def kind_of(value: object) -> type | None:
    """The type of what formats have no own form for."""
    for kind in (dt.datetime, dt.date, dt.time, decimal.Decimal, uuid.UUID, bytes):
        if isinstance(value, kind):
            return kind
    return None


def as_text(value: object) -> str:
    """Python's scalars as kombu 5.2 and lovage write them into JSON."""
    if isinstance(value, dt.datetime):
        text = value.isoformat()
        return text[:-6] + "Z" if text.endswith("+00:00") else text
    if isinstance(value, dt.date):
        return value.isoformat() + "T00:00:00"
    if isinstance(value, dt.time):
        return value.isoformat()
    return str(value)


def as_tagged(value: object) -> dict:
    """... as kombu from 5.3 on writes them into JSON."""
    if isinstance(value, uuid.UUID):
        return {TAG: "uuid", "__value__": {"hex": value.hex}}
    if isinstance(value, bytes):
        try:
            return {TAG: "bytes", "__value__": value.decode()}
        except UnicodeDecodeError:
            return {TAG: "base64", "__value__": base64.b64encode(value).decode()}
    if isinstance(value, decimal.Decimal):
        return {TAG: "decimal", "__value__": str(value)}
    name = {dt.datetime: "datetime", dt.date: "date", dt.time: "time"}[kind_of(value)]
    return {TAG: name, "__value__": value.isoformat()}


def tagged(value):
    """The whole value with tags."""
    if isinstance(value, dict):
        return {key: tagged(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [tagged(item) for item in value]
    return as_tagged(value) if kind_of(value) else value


READERS = {
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "decimal": decimal.Decimal,
    "uuid": lambda v: uuid.UUID(v["hex"]),
    "bytes": lambda v: v.encode(),
    "base64": base64.b64decode,
}


def untagged(value):
    if isinstance(value, dict):
        if set(value) == {TAG, "__value__"}:
            return READERS[value[TAG]](value["__value__"])
        return {key: untagged(item) for key, item in value.items()}
    return [untagged(item) for item in value] if isinstance(value, list) else value


def to_pipe(value) -> str:
    return json.dumps(tagged(value))


def from_pipe(text: str):
    return untagged(json.loads(text))


def in_json(writer: str, reader: str, value):
    if writer == "kombu":
        return as_tagged(value) if reader == "kombu 5.2" else value
    if isinstance(value, bytes):
        if writer == "kombu 5.2":
            raise Refused
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Refused from None
    return as_text(value)


def in_msgpack(writer: str, value):
    if isinstance(value, bytes):
        return value
    if writer == "lovage":
        return as_text(value)
    raise Refused


def in_yaml(writer: str, value):
    if isinstance(value, (dt.datetime, dt.date, bytes)):
        return value
    if writer == "lovage":
        return as_text(value)
    raise Refused


def carried(writer: str, reader: str, serializer: str, value):
    """What the reader sees of a value; `writer` and `reader` are "kombu 5.2", "kombu" (from 5.3 on) or "lovage"."""
    if isinstance(value, dict):
        return {key: carried(writer, reader, serializer, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [carried(writer, reader, serializer, item) for item in value]
    if kind_of(value) is not None:
        if serializer == "json":
            return in_json(writer, reader, value)
        return in_msgpack(writer, value) if serializer == "msgpack" else in_yaml(writer, value)
    if serializer == "msgpack" and isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise Refused
    return value


def same(a, b) -> bool:
    """Equal in type and value; nan is nan, and -0.0 is not 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b) or math.isnan(a) and math.isnan(b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (dt.datetime, dt.time)):
        return a == b and a.utcoffset() == b.utcoffset()
    return a == b


def short(value) -> str:
    text = repr(value)
    return text if len(text) < 100 else text[:60] + "..." + text[-20:]
