#!/usr/bin/env python3
"""Reads every #include of src/ and include/ against the table of layers; prints what is not in it.

    tools/check_layers.py              check this tree
    tools/check_layers.py --self-test  check that each rule still finds its fault
"""

import pathlib
import re
import sys
import tempfile

# Layer: what its files may include besides themselves and include/lovage. "broker:interface" is the files that stand
# directly in src/broker; "broker" is its drivers too. Lowest first.
INTERFACES = ["broker:interface", "backend:interface"]
APP = ["core", "wire", "config", *INTERFACES]
LAYERS = {
    "core": [],
    "wire": ["core"],
    "config": ["core", "wire"],
    "store": ["core", "config"],
    "io": ["core"],
    "sql": ["core", "config", "io", "store"],
    "health": ["core"],
    "redis": ["core", "config", "io"],
    "pool": ["core", "io"],
    "broker": ["core", "wire", "io", "store", "sql", "redis", "config"],
    "backend": ["core", "wire", "io", "store", "sql", "redis", "config", "broker:interface"],
    "app": APP,
    "builtin": [*APP, "app", "broker", "backend", "beat", "store", "sql"],  # the one list that names drivers
    "execute": [*APP, "app"],
    "worker": [*APP, "app", "execute", "pool", "io", "health"],
    "relay": [*APP, "app", "worker", "io", "health"],
    "beat": [*APP, "app", "io", "health", "store", "sql", "redis"],
    "monitor": [*APP, "app", "beat", "io", "store", "sql"],
    "web": [*APP, "app", "beat", "io", "health", "monitor"],
    "testing": [*APP, "app", "execute", "worker", "pool", "io"],
}
EVERYTHING = {"cli"}

# These layers have a folder per driver, and no driver sees another.
DRIVER_LAYERS = {"broker", "backend", "beat"}

# Libraries that are neither std nor POSIX: in .cpp files, in the headers of a driver's folder, and where named here.
THIRD_PARTY = re.compile(
    r"(boost|date|libnova|rapidjson|hiredis|spdlog|fmt|CLI|toml11|openssl|brotli|msgpack|gtest|gmock|benchmark)/"
    r"|(libpq-fe\.h|curl/[a-z]*\.h|mysql\.h|mariadb_[a-z]*\.h|toml\.hpp|amqp[a-z_]*\.h|sqlite3\.h|yaml\.h|zlib\.h|zstd\.h|lzma\.h|bzlib\.h)$")
THIRD_PARTY_HEADERS = {"store": re.compile(r"sqlite3\.h$"), "cli": re.compile(r"spdlog/"), "health": re.compile(r"boost/"), "web": re.compile(r"boost/")}
# A library that belongs to one layer.
OWNED = {re.compile(r"CLI/"): "cli"}

# What include/lovage may include: std, the compiler's <cxxabi.h> (names of exception types), and itself.
STD = set("""
algorithm any array atomic barrier bit bitset charconv chrono compare complex concepts condition_variable coroutine
deque exception execution filesystem format forward_list fstream functional future initializer_list iomanip ios iosfwd
iostream istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric optional ostream
queue random ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept
stop_token streambuf string string_view syncstream system_error thread tuple type_traits typeindex typeinfo
unordered_map unordered_set utility valarray variant vector version cassert cctype cerrno cfenv cfloat cinttypes climits
clocale cmath csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype
stddef.h stdint.h cxxabi.h
""".split())

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
RAW_STRING = re.compile(r'R"\w*\(.*?\)\w*"', re.S)  # may hold a source text; only its lines count


def includes(path):
    text = RAW_STRING.sub(lambda raw: "\n" * raw[0].count("\n"), path.read_text())
    for number, line in enumerate(text.splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1], match[2]


# Optional public headers that say so in their first lines, and what they may include besides.
OPTIONAL_HEADERS = {"coroutine.hpp": re.compile(r"boost/(asio|system)/")}


def public_fault(header, what):
    optional = OPTIONAL_HEADERS.get(header)
    if optional and optional.match(what):
        return None
    if what.startswith("lovage/") or what in STD:
        return None
    return f"<{what}>: public headers include std and lovage only"


def third_party_fault(layer, parts, what):
    if not THIRD_PARTY.match(what):
        return None
    for library, owner in OWNED.items():
        if library.match(what) and layer != owner:
            return f"<{what}> belongs to src/{owner}"
    in_driver = layer in DRIVER_LAYERS and len(parts) > 2
    allowed_here = THIRD_PARTY_HEADERS.get(layer)
    if parts[-1].endswith(".cpp") or in_driver or (allowed_here and allowed_here.match(what)):
        return None
    return f"<{what}>: other libraries are included in .cpp files, not in headers"


def layer_fault(layer, parts, what, target):
    """`parts` and `target` are paths below src, as tuples."""
    if layer in EVERYTHING or parts[-1].endswith("_test.cpp"):
        return None
    below = target[0]
    if below == layer:
        if layer in DRIVER_LAYERS and len(parts) > 2 and len(target) > 2 and parts[1] != target[1]:
            return f'"{what}": driver {layer}/{parts[1]} includes driver {target[1]}'
        return None
    may = LAYERS[layer]
    if below in may or (f"{below}:interface" in may and len(target) == 2):
        return None
    if f"{below}:interface" in may:
        return f'"{what}": src/{layer} may include the interface of {below}, not its drivers'
    return f'"{what}": src/{layer} may not include src/{below}; it may include {", ".join(may) or "nothing"}'


def check(root):
    faults = []

    def report(path, number, fault):
        if fault:
            faults.append(f"{path.relative_to(root)}:{number}: {fault}")

    for path in sorted((root / "include").rglob("*.*")):
        for number, _, what in includes(path):
            report(path, number, public_fault(path.name, what))

    src = root / "src"
    for path in sorted([*src.rglob("*.hpp"), *src.rglob("*.cpp")]):
        parts = path.relative_to(src).parts
        layer = parts[0]
        if layer not in LAYERS and layer not in EVERYTHING:
            report(path, 1, f"src/{layer} is not in the table of tools/check_layers.py")
            continue
        for number, quote, what in includes(path):
            target = tuple(what.split("/"))
            if what.startswith("lovage/"):
                continue
            if (src / what).exists():
                report(path, number, layer_fault(layer, parts, what, target))
            elif quote == '"' and not parts[-1].endswith("_test.cpp"):
                report(path, number, f'"{what}" is not below src; write the path from there')
            elif quote == "<" and not parts[-1].endswith("_test.cpp"):
                report(path, number, third_party_fault(layer, parts, what))
    return faults


def self_test():
    """Each tree holds one fault, named by a piece of the report; the last holds none."""
    cases = [
        ("may not include src/wire", {"src/core/a.hpp": '#include "wire/b.hpp"', "src/wire/b.hpp": ""}),
        ("not its drivers", {"src/app/a.cpp": '#include "broker/sqlite/b.hpp"', "src/broker/sqlite/b.hpp": ""}),
        ("includes driver memory", {"src/broker/sqlite/a.cpp": '#include "broker/memory/b.hpp"',
                                    "src/broker/memory/b.hpp": ""}),
        ("not in headers", {"src/wire/a.hpp": "#include <boost/asio.hpp>"}),
        ("belongs to src/cli", {"src/worker/a.cpp": "#include <CLI/CLI.hpp>"}),
        ("std and lovage only", {"include/lovage/a.hpp": "#include <unistd.h>"}),
        ("std and lovage only", {"include/lovage/a.hpp": "# include <boost/json.hpp>"}),
        ("std and lovage only", {"include/lovage/a.hpp": "#include <boost/asio/post.hpp>",
                                 "include/lovage/coroutine.hpp": "#include <boost/asio/post.hpp>"}),
        ("not in the table", {"src/util/a.cpp": ""}),
        ("is not below src", {"src/core/a.cpp": '#include "b.hpp"', "src/core/b.hpp": ""}),
        (None, {"src/app/a.cpp": '#include "broker/transport.hpp"\n#include <fmt/format.h>\n#include <unistd.h>',
                "src/broker/transport.hpp": "#include <string>", "src/cli/c.cpp": '#include "app/d.hpp"',
                "src/app/d.hpp": "#include <lovage/app.hpp>"}),
    ]
    for expected, files in cases:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text + "\n")
            faults = check(pathlib.Path(folder))
        good = not faults if expected is None else len(faults) == 1 and expected in faults[0]
        if not good:
            sys.exit(f"self-test: expected {expected!r} of {files}, got {faults}")
    print(f"{len(cases)} cases hold")


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    else:
        found = check(pathlib.Path(__file__).resolve().parent.parent)
        print("\n".join(found) or "every include is within its layer")
        sys.exit(bool(found))
