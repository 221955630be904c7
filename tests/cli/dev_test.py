"""lovage dev: a project is made, built, run, changed, broken, mended; nothing of it is left."""
import contextlib
import os
import shutil
import signal
import subprocess
import threading
import unittest

from cli_case import PLUGIN, PROGRAM, Case, once, read


def living(session):
    """Processes of this session, but those that only wait to be reaped."""
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split() if os.path.exists(f"/proc/{pid}") else []
        if len(fields) > 3 and int(fields[3]) == session and fields[0] != "Z":
            out.append(int(pid))
    return out


@once
class DevTest(Case):
    def setUp(self):
        super().setUp()
        for name in ("LOVAGE_BROKER_URL", "LOVAGE_RESULT_BACKEND"):
            self.env.pop(name, None)
        self.project = os.path.join(self.dir, "demo")
        self.changed, self.text, self.silent = threading.Condition(), "", False

    def path(self, name):
        return os.path.join(self.project, name)

    def said(self):
        with self.changed:
            return self.text

    def listen(self):
        """Takes what the program says as it says it."""
        for line in self.dev.stdout:
            with self.changed:
                self.text += line
                self.changed.notify_all()
        with self.changed:
            self.silent = True
            self.changed.notify_all()

    def here(self, *args, code=0):
        """A command as one would give it in the project's folder."""
        done = subprocess.run([PROGRAM, *args], cwd=self.project, env=self.env, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}\n{done.stderr}\n{self.said()}")
        return done.stdout

    def edit(self, name, old, new):
        text = read(self.path(name))
        self.assertIn(old, text)
        with open(self.path(name), "w") as f:
            f.write(text.replace(old, new))

    def wait_for_text(self, text, count=1):
        with self.changed:
            self.changed.wait_for(lambda: self.silent or self.text.count(text) >= count, 150)
            self.assertGreaterEqual(self.text.count(text), count, f"waited in vain for {text!r}:\n{self.text}")

    def ended(self, dev):
        self.assertEqual(dev.wait(60), 0, self.said())
        self.assertEqual(living(dev.pid), [])

    @contextlib.contextmanager
    def developing(self, *args, cwd=None, ready=1):
        self.text, self.silent = "", False
        self.dev = subprocess.Popen([PROGRAM, "dev", "--without-web", *args], cwd=cwd or self.dir, env=self.env, text=True,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        listener = threading.Thread(target=self.listen)
        listener.start()
        try:
            self.wait_for_text("ready.", ready)
            yield self.dev
        finally:
            for pid in living(self.dev.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.dev.wait()
            listener.join()
            self.dev.stdout.close()

    def test_a_project_is_built_run_changed_broken_and_mended(self):
        self.assertIn("lovage dev demo", self.lovage("dev", "--init", "demo").stdout)
        with self.developing("demo") as dev:
            self.assertIn("demo.add(x: int, y: int) -> int", self.said())
            self.assertEqual(self.here("call", "demo.add", "2", "3", "--wait", "60"), "5\n")
            self.edit("tasks.cpp", "return x + y;", "return x + y + 100;")
            self.wait_for_text("ready.", 2)
            self.assertEqual(self.here("call", "demo.add", "2", "3", "--wait", "60"), "105\n")
            self.edit("tasks.cpp", "return x + y + 100;", "return x + z;")
            self.wait_for_text("the build failed")
            self.assertRegex(self.said(), r"\nbuild  \| .*tasks\.cpp:\d+:\d+: error: .*z")
            self.assertEqual(self.here("call", "demo.add", "2", "3", "--wait", "60"), "105\n")
            self.edit("tasks.cpp", "return x + z;", "return x * y;")
            self.wait_for_text("ready.", 3)
            self.assertEqual(self.here("call", "demo.add", "2", "3", "--wait", "60"), "6\n")
            self.here("call", "demo.work", "10", "--id", "long")
            self.wait_for(lambda: "STARTED" in self.here("result", "long", code=3) or
                          "demo.work[long] received" in self.said())
            dev.send_signal(signal.SIGINT)
            self.ended(dev)
        self.assertIn("SUCCESS", self.here("result", "long"))
        self.assertTrue(os.path.exists(self.path(".lovage/store.db")))

    def test_nothing_is_left_when_it_is_killed(self):
        self.lovage("dev", "--init", "demo")
        with self.developing("demo") as dev:
            self.assertGreater(len(living(dev.pid)), 2)
            dev.kill()
            self.wait_for(lambda: not living(dev.pid))

    def test_a_plug_in_that_others_build_is_loaded_anew_and_a_broken_one_is_not(self):
        os.mkdir(self.project)
        mine = self.path("libmine.so")
        shutil.copy(PLUGIN, mine)
        with self.developing("-A", "./libmine.so", cwd=self.project) as dev:
            store = ("-b", "sqlite:///.lovage/store.db")
            self.assertEqual(self.here("call", "cli.add", "2", "3", "--wait", "60", *store), "5\n")
            shutil.copy(PLUGIN, mine + ".new")
            os.rename(mine + ".new", mine)
            self.wait_for_text("ready.", 2)
            with open(mine + ".new", "w") as f:
                f.write("no plug-in")
            os.rename(mine + ".new", mine)
            self.wait_for_text("cannot be loaded; what runs goes on")
            self.assertEqual(self.here("call", "cli.add", "2", "3", "--wait", "60", *store), "5\n")
            dev.send_signal(signal.SIGTERM)
            self.ended(dev)

    def test_a_program_that_dies_is_started_again(self):
        os.mkdir(self.project)
        with self.developing("-A", PLUGIN, cwd=self.project) as dev:
            worker = [p for p in living(dev.pid) if "\0worker\0" in read(f"/proc/{p}/cmdline")]
            os.kill(min(worker), signal.SIGKILL)
            self.wait_for_text("worker ended by itself (signal 9 (SIGKILL)); it is started again in 1 s")
            self.wait_for_text("ready.", 2)
            dev.send_signal(signal.SIGINT)
            self.ended(dev)

    def begin(self, *options):
        """Sends a task that runs until the file `go` is there."""
        self.here("call", "cli.until", self.path("begun"), self.path("go"), "--id", "long", *options)
        self.wait_for(lambda: os.path.exists(self.path("begun")))

    def test_a_second_ctrl_c_gives_back_what_runs(self):
        os.mkdir(self.project)
        store = ("-b", "sqlite:///.lovage/store.db")
        with self.developing("-A", PLUGIN, cwd=self.project) as dev:
            self.begin(*store)
            dev.send_signal(signal.SIGINT)
            self.wait_for_text("warm shutdown")
            dev.send_signal(signal.SIGINT)
            self.wait_for_text("worker gives back what it runs")
            self.ended(dev)
        self.assertIn("PENDING", self.here("result", "long", *store, code=3))
        self.assertIn("celery", self.here("queues", *store))

    def test_what_runs_for_long_is_given_back_to_the_new_code(self):
        os.mkdir(self.project)
        mine = self.path("libmine.so")
        shutil.copy(PLUGIN, mine)
        store = ("-b", "sqlite:///.lovage/store.db")
        with self.developing("-A", mine, cwd=self.project) as dev:
            self.begin(*store)
            shutil.copy(PLUGIN, mine + ".new")
            os.rename(mine + ".new", mine)
            self.wait_for_text("worker gives back what it runs")
            self.wait_for_text("ready.", 2)
            open(self.path("go"), "w").close()
            self.assertIn("SUCCESS", self.here("result", "long", "--wait", "60", *store))
            dev.send_signal(signal.SIGINT)
            self.ended(dev)

    def test_it_says_what_to_give(self):
        said = self.lovage("dev", code=2).stderr
        self.assertIn("there is no CMakeLists.txt here", said)
        self.assertIn("lovage dev --init NAME", said)
        self.assertIn("there is no folder 'nowhere'", self.lovage("dev", "nowhere", code=2).stderr)
        self.lovage("dev", "--init", "demo")
        self.assertIn("is not empty", self.lovage("dev", "--init", "demo", code=1).stderr)
        self.assertIn("a name of letters", self.lovage("dev", "--init", "9 lives", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
