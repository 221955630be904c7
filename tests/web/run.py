#!/usr/bin/env python3
"""The dashboard in a real browser: Debian's Chromium drives every page and action of `lovage web` before real workers.

usage: run.py BUILD_DIR [--keep] [--serve] [--program FILE] [SPEC...]

Runs in an environment with Celery (tests/support/python_env.sh DIR newest). One Redis of its own, lovage workers, a
Python worker, `lovage beat` and `lovage web`, also one with passwords, one behind a provider and a proxy, and one that is
read-only; tasks that succeed, fail,
retry, wait, belong to workflows, have hostile names and arguments, and a dead set. Then web/tests runs (Playwright); what
the pages look like is kept in BUILD_DIR/screenshots. With --serve there are no specs: all of it runs until ctrl-C, for work on the pages.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INTEROP = HERE.parent / "interop"
sys.path[:0] = [str(HERE.parent / "support"), str(INTEROP)]

import provider  # noqa: E402
import servers  # noqa: E402
import tasks  # noqa: E402
from celery import chain, chord, group  # noqa: E402
from peers import as_options, quiet_environment  # noqa: E402

EVIL = ['<img src=x onerror="window.hacked=1">', '"><script>window.hacked=1</script>', "\u202egnp.exe\u202c \u05e9\u05dc\u05d5\u05dd",
        "W" * 10_000, "javascript:window.hacked=1"]  # fmt: skip
PROXY_HEADER = "X-Forwarded-User"
SECRETS = ["a-password-that-is-not-shown", "a-key-for-cookies-that-is-not-shown"]


class Place:
    """Where everything of this run is, and the programs that run."""

    def __init__(self, build: Path, program: Path, work: Path, settings: dict) -> None:
        self.build, self.program, self.work, self.settings = build, program, work, settings
        self.running: list[subprocess.Popen] = []

    def start(self, name: str, command: list[str], environment: dict[str, str] | None = None, ready: str = "") -> Path:
        log = self.work / f"{name}.log"
        with log.open("wb") as out:
            p = subprocess.Popen(command, cwd=self.work, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                 preexec_fn=servers.die_with_parent, env={**quiet_environment(), **(environment or {})})  # fmt: skip
        self.running.append(p)

        def begun() -> bool:
            text = log.read_text(errors="replace")
            if p.poll() is not None:
                raise RuntimeError(f"{name} ended:\n{text[-3000:]}")
            return ready in text

        servers.wait_until(begun, 60, f"{name} to say {ready!r}, see {log}")
        return log

    def lovage(self, *words: str) -> list[str]:
        return [str(self.program), *words]

    def once(self, *words: str, given: str = "") -> None:
        done = subprocess.run(self.lovage(*words), cwd=self.work, env=quiet_environment(), input=given, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"lovage {' '.join(words)}: {done.stdout}{done.stderr}")

    def stop(self) -> None:
        for p in reversed(self.running):
            p.send_signal(signal.SIGTERM)
        for p in reversed(self.running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                p.wait(10)
            p.kill()
            p.wait()


def start_workers(at: Place) -> None:
    python_path = os.pathsep.join([str(INTEROP), str(HERE.parent / "support")])
    options = as_options(at.settings)
    at.start("python", [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-c", "2", "-Q", "python,reports", "-n", "celery@django-1", "-E", "-l", "info"],
             {"INTEROP_SETTINGS": json.dumps(at.settings), "PYTHONPATH": python_path, "PYTHONDONTWRITEBYTECODE": "1"}, "ready.")  # fmt: skip
    at.start("lovage", at.lovage("worker", "-A", str(at.build / "lib/libinterop_tasks.so"), "-c", "3", "-Q", "celery,mail", "-n", "shop@web-1", "-E", "-l", "info",
                                 "--", *options), ready="ready.")  # fmt: skip
    at.start("scaled", at.lovage("worker", "-A", str(at.build / "lib/libinterop_tasks.so"), "-P", "threads", "--autoscale", "4,1", "-Q", "scaled", "-n", "scaled@web-2",
                                 "-E", "-l", "info", "--", *options), ready="ready.")  # fmt: skip


def start_beat(at: Place) -> None:
    stores = ["-b", at.settings["broker_url"], "--result-backend", at.settings["result_backend"]]  # the schedule lives in the second
    for name, when, task in (("nightly-report", "0 3 * * *", "interop.now"), ("hourly-index", "0 * * * *", "interop.who"),
                             ("every-few-seconds", "every 5s", "interop.now"), (EVIL[0], "30 4 * * 1-5", "interop.now")):  # fmt: skip
        at.once("schedule", "add", name, when, task, *stores)
    at.start("beat", at.lovage("beat", "-l", "info", *stores))


def start_web(at: Place, name: str, *options: str, **settings: str) -> str:
    """A dashboard with a history of its own; returns its address. Secrets among the settings are not to be seen on its pages."""
    port = servers.free_port()
    address = f"http://127.0.0.1:{port}"
    at.start(name, at.lovage("web", "--port", str(port), "--public-url", address, "--history", str(at.work / f"{name}.db"), "-l", "info", *options,
                             "--", *as_options({**at.settings, **settings})), ready="is ready.")  # fmt: skip
    return address


def start_webs(at: Place, issuer: str) -> dict[str, str]:
    """One for everybody, two that ask who one is, one that changes nothing: their addresses, as the specs look for them."""
    users = at.work / "users"
    for name, role in (("ann", "operator"), ("bob", "viewer")):
        at.once("web", "passwd", name, "--role", role, "--save", str(users), given=f"secret of {name}\n")
    return {
        "LOVAGE_WEB_URL": start_web(at, "web", alert_smtp_url=f"smtp://ops:{SECRETS[0]}@127.0.0.1:1", alert_mail_from="lovage@example.org",
                                    alert_mail_to="ops@example.org", web_auth_secret=SECRETS[1]),  # fmt: skip
        "LOVAGE_WEB_URL_LOGIN": start_web(at, "web-login", "--auth-file", str(users)),
        "LOVAGE_WEB_URL_SSO": start_web(at, "web-sso", web_auth_oidc_issuer=issuer, web_auth_oidc_client_id=provider.CLIENT,
                                        web_auth_oidc_client_secret=provider.SECRET, web_auth_allowed="*@example.org",
                                        web_auth_operators="ann@example.org", web_auth_proxy_header=PROXY_HEADER, web_auth_proxies="127.0.0.1"),  # fmt: skip
        "LOVAGE_WEB_URL_READ_ONLY": start_web(at, "web-read-only", "--read-only", "--mask-arguments"),
    }


def known_workers(address: str) -> bool:
    """Whether the dashboard has heard of all workers, and has asked them what they are."""
    with urllib.request.urlopen(address + "/api/v1/workers", timeout=30) as answer:
        return sum(one["pool"] is not None for one in json.load(answer)["workers"]) == 3


def send_all(app) -> None:
    """Some of everything; waits for what ends."""
    results = []
    for i in range(60):
        queue = ("celery", "python", "mail")[i % 3]
        results.append(app.send_task("interop.add", (i, 2 * i), queue=queue))
        if i % 6 == 0:
            results.append(app.send_task("interop.join", ("-", ["ann@example.org", "bob@example.org"]), {"upper": True}, queue=queue))
        if i % 10 == 0:
            kind = ("value", "custom", "runtime")[i // 10 % 3]
            results.append(app.send_task("interop.fail", (kind, f"card declined for order {4200 + i % 20}"), queue=queue))
    results.append(app.send_task("interop.flaky", (2,), queue="celery"))
    for text in EVIL:
        for queue in ("celery", "python"):
            results.append(app.send_task("interop.echo", (text,), {}, queue=queue))
            results.append(app.send_task("interop.fail", ("value", text), queue=queue))
    app.send_task("interop.add", (1, 1), queue="celery", countdown=3600)
    app.send_task("interop.add", (3, 3), queue="nobody-takes-from-it")
    for text in ["shop.charge_v2", *EVIL[:3], "shop.gone", "shop.charge_v3"]:
        app.send_task(text, (4217,), {"amount": "12,50"}, queue="celery")
    for result in results:
        with contextlib.suppress(Exception):  # what failed was meant to
            result.get(timeout=30)


class Traffic(threading.Thread):
    """Tasks that go on coming while the browser looks, so that charts and lists have something to show."""

    def __init__(self, settings: dict) -> None:
        super().__init__(daemon=True)
        self.app, self.over = tasks.make_app(settings), threading.Event()

    def run(self) -> None:
        n = 0
        while not self.over.wait(0.3):
            n += 1
            queue = ("celery", "python", "mail", "celery")[n % 4]
            self.app.send_task("interop.slow", (round(0.02 + 0.05 * (n % 7), 2),), queue=queue)
            if n % 2 == 0:
                self.app.send_task("interop.add", (n, n + 1), queue=queue)
            if n % 23 == 0:
                self.app.send_task("interop.fail", ("runtime", "the mail server closed the connection"), queue=queue)


def send_workflow(app) -> None:
    def s(name: str, *args, queue: str = "celery"):
        return app.signature(f"interop.{name}", args=args, options={"queue": queue})

    app.set_current()
    flow = chain(s("add", 1, 1), group(s("add", n, queue="python" if n % 2 else "celery") for n in range(6)), s("total"), s("echo"))
    flow.apply_async().get(timeout=60)
    chord([s("slow", 0.2, queue="python"), s("slow", 0.1)], s("echo")).apply_async()


def browse(at: Place, addresses: dict[str, str], specs: list[str]) -> int:
    shots = at.build / "screenshots"
    shots.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **addresses, "LOVAGE_WEB_SECRETS": " ".join(SECRETS), "LOVAGE_WEB_PROXY_HEADER": PROXY_HEADER, "LOVAGE_WEB_SHOTS": str(shots),
                   "LOVAGE_WEB_OUTPUT": str(at.build / "web-tests")}  # fmt: skip
    playwright = ROOT / "web/node_modules/.bin/playwright"
    if not playwright.exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=ROOT / "web", check=True)
    return subprocess.run([str(playwright), "test", *specs], cwd=ROOT / "web", env=environment).returncode


def wait_for_end(addresses: dict[str, str]) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    print(*(f"{name}={address}" for name, address in addresses.items()), sep="\n", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("build", type=Path)
    words.add_argument("--program", type=Path)
    words.add_argument("--keep", action="store_true", help="leave the logs, and tell where")
    words.add_argument("--serve", action="store_true", help="run no specs, tell the address, and go on until ctrl-C")
    words.add_argument("specs", nargs="*")
    given = words.parse_intermixed_args()
    build = given.build.resolve()
    if shutil.which(os.environ.get("CHROMIUM", "chromium")) is None:
        print("error: there is no chromium; install it (Debian: apt install chromium) or set CHROMIUM", file=sys.stderr)
        return 1
    work = Path(tempfile.mkdtemp(prefix="lovage-web-"))
    code = 1
    try:
        with servers.redis() as redis, provider.provider() as issuer:
            settings = {"broker_url": redis.url(db=0), "result_backend": redis.url(db=1), "task_track_started": True,
                        "worker_pool_restarts": True, "task_send_sent_event": True}
            at = Place(build, given.program or build / "bin/lovage", work, settings)
            try:
                start_workers(at)
                start_beat(at)
                addresses = start_webs(at, issuer)
                app = tasks.make_app(settings)
                send_all(app)
                send_workflow(app)
                traffic = Traffic(settings)
                traffic.start()
                servers.wait_until(lambda: known_workers(addresses["LOVAGE_WEB_URL"]), 60, "the dashboard to know all workers")
                code = wait_for_end(addresses) if given.serve else browse(at, addresses, given.specs)
                traffic.over.set()
                traffic.join()
            finally:
                at.stop()
    finally:
        if code != 0 or given.keep:
            print(f"logs: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
