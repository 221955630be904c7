"""lovage top: in a terminal that a test reads and types into, and without one."""
import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from cli_case import PROGRAM, Case, once

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


class Terminal:
    """What a terminal of so many lines and columns would show."""

    def __init__(self, height, width):
        self.main, self.end = pty.openpty()
        self.before = termios.tcgetattr(self.end)
        self.resize(height, width)
        self.raw = ""
        self.lines = {}
        self.decoder = codecs.getincrementaldecoder("utf-8")()  # a character may come in two pieces

    def resize(self, height, width):
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def read(self, seconds):
        end = time.monotonic() + seconds
        while select.select([self.main], [], [], max(0, end - time.monotonic()))[0]:
            self.raw += self.decoder.decode(os.read(self.main, 65536))
        # As the program writes: whole lines, each at its place.
        for piece in re.split(r"(?=\x1b\[2J|\x1b\[\d+;1H)", self.raw):
            if piece.startswith("\x1b[2J"):
                self.lines = {}
            if at := re.match(r"\x1b\[(\d+);1H(.*?)(\x1b\[K|$)", piece, re.S):
                self.lines[int(at[1])] = re.sub(r"\x1b\[[0-9;]*m", "", at[2])
        return self.text()

    def text(self):
        return "\n".join(self.lines[n] for n in sorted(self.lines))

    def type(self, keys):
        os.write(self.main, keys.encode())

    def close(self):
        os.close(self.main)
        os.close(self.end)


class TopTest(Case):
    @contextlib.contextmanager
    def top(self, *args, height=30, width=110, code=0, **env):
        terminal = Terminal(height, width)
        shown = subprocess.Popen([PROGRAM, "top", "-F", "0.2", *args], cwd=self.dir, stdin=terminal.end,
                                 stdout=terminal.end, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                 env={**self.env, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **env})
        try:
            yield terminal, shown
            self.assertEqual(shown.wait(20), code, shown.stderr.read())
            terminal.read(0.1)
            self.assertTrue(terminal.raw.endswith(LEAVE), terminal.raw[-80:])
            self.assertEqual(termios.tcgetattr(terminal.end), terminal.before)
        finally:
            shown.kill()
            shown.communicate()
            terminal.close()

    def wait_to_see(self, terminal, *words):
        end = time.monotonic() + 20
        while not all(w in terminal.read(0.2) for w in words):
            self.assertLess(time.monotonic(), end, f"{words} not in\n{terminal.text()}")
        return terminal.text()

    def test_it_shows_a_worker_at_work(self):
        with self.worker("-E"), self.top() as (terminal, _):
            self.wait_to_see(terminal, "online", "celery@")
            self.lovage("call", "cli.add", "2", "3", "--wait", "20")
            self.lovage("call", "cli.refuse", "no", "--wait", "20", code=1)
            text = self.wait_to_see(terminal, "cli.refuse", "failed 1 (50.0 %)")
            self.assertRegex(text, r"15 minutes  received 2 +succeeded 1 +failed 1 \(50")
            self.assertRegex(text, r"run +p50 [\d.]+(us|ms|s)")
            go = os.path.join(self.dir, "go")
            self.lovage("call", "cli.until", os.path.join(self.dir, "begun"), go)
            self.wait_to_see(terminal, "RUNNING (1)", "cli.until")
            open(go, "w").close()
            self.wait_to_see(terminal, "RUNNING (0)")
            terminal.type("q")

    @once
    def test_keys_work_and_a_pause_holds_the_picture(self):
        with self.top(height=24, width=80) as (terminal, _):
            self.wait_to_see(terminal, "WORKERS (0)", "QUEUES", "RUNNING", "FAILURES", "q quit")
            terminal.type("?")
            self.wait_to_see(terminal, "this help, and back")
            terminal.type("?p")
            held = self.wait_to_see(terminal, "PAUSED", "WORKERS (0)")
            self.assertEqual(terminal.read(1.2), held)
            terminal.type("p\x1b[C")
            self.wait_to_see(terminal, "QUEUES")
            terminal.type("q")

    @once
    def test_only_what_changed_is_written(self):
        with self.top(height=24, width=80) as (terminal, _):
            self.wait_to_see(terminal, "FAILURES (0)")
            for _ in range(10):  # the first pictures differ: what is asked comes bit by bit
                terminal.raw = ""
                terminal.read(2)
                self.assertNotIn("\x1b[2J", terminal.raw)
                if "FAILURES" not in terminal.raw:
                    break
            else:
                self.fail("what stays as it is was written again and again")
            terminal.type("q")

    @once
    def test_it_follows_the_size_of_the_terminal(self):
        with self.top(height=24, width=80) as (terminal, shown):
            self.wait_to_see(terminal, "FAILURES (0)")
            terminal.resize(40, 140)
            shown.send_signal(signal.SIGWINCH)
            self.wait_for(lambda: terminal.read(0.2) and max(terminal.lines) == 40)
            self.assertEqual(len(terminal.lines[2]), 140)
            terminal.type("q")

    @once
    def test_the_terminal_is_as_before_at_any_end(self):
        for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGHUP, 0), (signal.SIGSEGV, -11)):
            with self.subTest(number), self.top(code=code) as (terminal, shown):
                self.wait_to_see(terminal, "FAILURES (0)")
                shown.send_signal(number)

    @once
    def test_colours_can_be_left_out(self):
        for args, env in ((("--no-color",), {}), ((), {"NO_COLOR": "1"})):
            with self.top(*args, **env) as (terminal, _):
                self.wait_to_see(terminal, "FAILURES (0)")
                self.assertNotRegex(terminal.raw.partition("\x1b[0m\x1b[?25h")[0], r"\x1b\[[0-9;]*m")
                terminal.type("q")

    @once
    def test_a_script_gets_one_picture(self):
        with self.worker("-E"):
            self.lovage("call", "cli.add", "2", "3", "--queue", "图像处理")
            text = self.lovage("top", "--once", "--listen", "6").stdout
        self.assertNotIn("\x1b", text)
        self.assertRegex(text, r"WORKERS \(1\)")
        self.assertRegex(text, r"\ncelery@\S+ +online ")
        self.assertRegex(text, r"\n图像处理 +1 ")

    @once
    def test_a_broker_that_cannot_be_asked_is_said_and_told_by_the_exit_code(self):
        away = ("-b", "redis://127.0.0.1:1/0")
        text = self.lovage("top", "--once", "--listen", "0.2", *away, code=1).stdout
        self.assertIn("the broker has not answered yet", text)
        text = self.lovage("top", "--once", "--listen", "8", *away, code=1).stdout
        self.assertRegex(text, r"(events|queues): .*(127\.0\.0\.1|connect)")


if __name__ == "__main__":
    unittest.main()
