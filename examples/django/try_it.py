"""usage: try_it.py SITE_URL - places orders at the running site and reads what the C++ worker made of them."""

import json
import sys
import time
import urllib.request

SITE = sys.argv[1]


def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(SITE + path, data=data), timeout=10) as answer:
        return json.load(answer)


def outcome_of(lines):
    order = ask("/orders", {"lines": lines})
    end = time.monotonic() + 20
    while (answer := ask("/orders/" + order["id"]))["state"] not in ("SUCCESS", "FAILURE"):
        if time.monotonic() > end:
            sys.exit(f"error: no outcome: {answer}")
        time.sleep(0.05)
    return answer


def expect(got, wanted):
    if got != wanted:
        sys.exit(f"error: got {got}, expected {wanted}")
    print(f"ok: {got}")


tea = {"item": "tea", "count": 2, "cents": 350}
expect(outcome_of([tea, {"item": "cup", "count": 1, "cents": 1200}]),
       {"state": "SUCCESS", "invoice": {"cents": 1900, "items": 3}})  # fmt: skip
expect(outcome_of([{**tea, "count": 0}]), {"state": "FAILURE", "error": "ValueError: no tea in that line"})
expect(outcome_of([{"item": "tea"}])["state"], "FAILURE")  # and the error names the missing key

done = ask("/orders/done")
expect((done["orders"], json.loads(done["newest"]["result"]), done["newest"]["worker"].startswith("celery@")),
       (1, {"cents": 1900, "items": 3}, True))  # fmt: skip
