"""Periodic tasks as a user meets them: `lovage schedule`, `lovage beat`, `lovage worker -B`."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from cli_case import PLUGIN, PROGRAM, Case, once, read

import servers


class ScheduleTest(Case):
    def schedule(self, *args, code=0, **env):
        return self.lovage("schedule", *args, code=code, **env)

    def entries(self):
        return {e["name"]: e for e in json.loads(self.schedule("list", "--json").stdout)}

    def entry(self, name):
        return json.loads(self.schedule("show", name, "--json").stdout)

    @contextlib.contextmanager
    def beat(self, *args, log="beat.log", code=0, **env):
        """A scheduler that runs while the block does, and ends by TERM unless the block ended it."""
        path = os.path.join(self.dir, log)
        beat = subprocess.Popen([PROGRAM, "beat", "-l", "info", "-f", path, *args], cwd=self.dir,
                                env={**self.env, **env}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            self.wait_for(lambda: "beat: Starting..." in read(path), beat)
            yield beat
            beat.send_signal(signal.SIGTERM)
            self.said = beat.communicate(timeout=30)[1]
            self.assertEqual(beat.returncode, code, self.said)
        finally:
            if beat.poll() is None:
                beat.kill()
                beat.communicate()

    @contextlib.contextmanager
    def killed_beat(self, log):
        """One that ends by kill -9, whatever it does."""
        beat = subprocess.Popen([PROGRAM, "beat", "-q", "-l", "info", "-f", self.path(log)], cwd=self.dir, env=self.env,
                                stdin=subprocess.DEVNULL)
        try:
            yield beat
        finally:
            beat.kill()
            beat.wait()

    def path(self, name):
        return os.path.join(self.dir, name)

    def leader(self, *logs):
        """The log of the one that leads."""
        for log in logs:
            lines = [line for line in read(os.path.join(self.dir, log)).splitlines() if " leads" in line]
            if lines and lines[-1].endswith(" leads"):
                return log

    # Entries

    def test_an_entry_is_added_shown_changed_paused_and_removed(self):
        self.assertIn("nothing is periodic yet", self.schedule().stdout)
        added = self.schedule("add", "nightly", "0 4 * * *", "cli.add", "2", "3", "--queue", "slow", "--spread", "10m")
        self.assertRegex(added.stdout, r"^'nightly' is added; runs next at \d{4}-\d\d-\d\dT04:0\d:\d\d\+00:00\n$")
        self.schedule("add", "poll", "every 90s", "cli.echo", "--args", '["a b"]', "--overlap", "skip", "--expires", "1m")
        listed = self.schedule("list").stdout.splitlines()
        self.assertRegex(listed[0], r"^NAME +SCHEDULE +TASK +LAST RUN +NEXT RUN +RUNS$")
        self.assertRegex(listed[1], r"^nightly +0 4 \* \* \* +cli\.add +- +\d{4}-.*T04:0.* 0$")
        shown = self.entry("nightly")
        self.assertEqual((shown["args"], shown["options"], shown["spread"]), ([2, 3], {"queue": "slow"}, 600))
        self.assertEqual((shown["origin"], shown["enabled"], shown["last_run_at"]), ("store", True, None))
        self.assertIn("at 04:00", self.schedule("show", "nightly").stdout)
        self.assertEqual(self.entry("poll")["options"], {"expires": 60})

        self.schedule("edit", "nightly", "--schedule", "30 3 * * mon-fri Europe/Berlin", "--priority", "7", "--spread", "none")
        shown = self.entry("nightly")
        self.assertEqual(shown["schedule"], "30 3 * * 1-5 Europe/Berlin")
        self.assertEqual((shown["args"], shown["options"]), ([2, 3], {"queue": "slow", "priority": 7}))
        self.assertNotIn("spread", shown)
        self.assertEqual(self.schedule("pause", "nightly", "poll").stdout, "'nightly' is paused\n'poll' is paused\n")
        self.assertIn("paused", self.schedule().stdout)
        self.assertRegex(self.schedule("resume", "nightly").stdout, "^'nightly' goes on; runs next at ")
        self.assertFalse(self.entries()["poll"]["enabled"])
        self.assertEqual(self.schedule("remove", "poll").stdout, "'poll' is removed\n")
        self.assertEqual(sorted(self.entries()), ["nightly"])

    @once
    def test_what_cannot_be_is_one_sentence(self):
        self.assertIn("minute", self.schedule("add", "a", "61 * * * *", "t", code=2).stderr)
        self.assertIn("day", self.schedule("add", "a", "0 0 31 2 *", "t", code=2).stderr)
        self.assertIn("--grace takes a duration", self.schedule("add", "a", "1", "t", "--grace", "soon", code=2).stderr)
        self.assertIn("no option '--quue'", self.schedule("add", "a", "1", "t", "--quue", "x", code=2).stderr)
        self.schedule("add", "a", "every 90s", "t")
        self.assertIn("already", self.schedule("add", "a", "every 90s", "t", code=1).stderr)
        self.assertIn("no option of a call", self.schedule("edit", "a", "--options", '{"quue": "x"}', code=1).stderr)
        for command in ("show", "edit", "pause", "resume", "run", "remove"):
            self.assertIn("no periodic task 'b'", self.schedule(command, "b", code=1).stderr)
        self.assertIn("did you mean 'pause'?", self.schedule("puase", "a", code=2).stderr)
        refused = self.lovage("beat", "-S", "my.Scheduler", code=1).stderr
        self.assertIn("beat_scheduler", refused)
        self.assertIn("django_database_url", self.lovage("beat", "-S", "django", code=1).stderr)
        self.assertIn("this version knows", self.lovage("beat", "--", "beat_store_url=mongodb://x", code=1).stderr)
        for line in self.lovage("completion", "bash").stdout.splitlines():
            if "'schedule add')" in line:
                self.assertIn("--catch-up", line)
                break
        else:
            self.fail("no completion for 'schedule add'")

    def test_entries_of_the_file_are_shown_and_can_be_paused_but_not_changed(self):
        with open(self.dir + "/lovage.toml", "w") as f:
            f.write('[beat.schedule.hourly]\ntask = "cli.add"\nschedule = { minute = 0, hour = "*/2" }\nargs = [1, 2]\n'
                    'jitter = "30s"\n[beat.schedule.often]\ntask = "cli.echo"\nschedule = 0.3\nargs = ["x"]\n')
        entry = self.entries()["hourly"]
        self.assertEqual((entry["schedule"], entry["origin"], entry["jitter"]), ("0 */2 * * *", "configuration", 30))
        self.assertIn("comes from configuration", self.schedule("remove", "hourly", code=1).stderr)
        self.assertIn("comes from configuration", self.schedule("edit", "hourly", "--task", "x", code=1).stderr)
        self.schedule("pause", "hourly")
        with self.worker(), self.beat():
            self.wait_for(lambda: self.entry("often")["total_run_count"] >= 2)
            self.assertFalse(self.entry("hourly")["enabled"])
        with open(self.dir + "/lovage.toml", "w") as f:
            f.write('[beat.schedule.often]\ntask = "cli.echo"\nschedule = 0.3\n')
        with self.beat():
            self.wait_for(lambda: "hourly" not in self.entries())

    def test_run_sends_it_now(self):
        self.schedule("add", "sum", "0 4 1 1 *", "cli.add", "2", "3")
        with self.worker():
            task = self.schedule("run", "sum").stdout.strip()
            self.assertIn("SUCCESS", self.lovage("result", task, "--wait", "20").stdout)
            self.assertEqual(json.loads(self.lovage("result", task, "--json").stdout)["result"], 5)

    @once
    def test_entries_of_a_plug_in_are_code(self):
        with self.worker(), self.beat("-A", PLUGIN, CLI_PERIODIC="yes"):
            self.wait_for(lambda: self.entry("plugged")["total_run_count"] >= 2)
            self.wait_for(lambda: read(self.path("worker.log")).count("'again'") >= 2)
            shown = self.entry("nightly")
            self.assertEqual((shown["schedule"], shown["task"], shown["args"], shown["options"], shown["origin"]),
                             ("0 4 * * 1-5 Europe/Berlin", "cli.add", [1, 2], {"queue": "slow"}, "code"))
            self.assertEqual((shown["overlap"], shown["spread"]), ("skip", 600))
            self.assertIn("comes from code", self.schedule("remove", "nightly", code=1).stderr)
        twice = self.lovage("beat", "-A", PLUGIN, code=1, CLI_PERIODIC="twice").stderr
        self.assertRegex(twice, "cannot load plug-in .*: the periodic task 'plugged' is defined twice: by ")
        broken = self.lovage("beat", "-A", PLUGIN, code=1, CLI_PERIODIC="broken").stderr
        self.assertRegex(broken, "the periodic task 'broken': .*minute.*" + os.path.basename(PLUGIN))

    # Schedulers

    def test_beat_sends_what_is_due_and_says_so(self):
        self.schedule("add", "often", "every 200ms", "cli.add", "2", "3")
        with self.worker(), self.beat():
            self.wait_for(lambda: self.entry("often")["total_run_count"] >= 3)
            self.wait_for(lambda: read(self.dir + "/worker.log").count("cli.add") >= 3)
        log = read(self.dir + "/beat.log")
        self.assertIn("Scheduler: Sending due task often (cli.add)", log)
        self.assertIn("beat: Shutting down...", log)
        self.assertIn(" . store  -> ", self.said)
        self.assertNotIn("ERROR", log)

    def test_a_worker_can_be_a_scheduler_too_and_so_can_another(self):
        self.schedule("add", "often", "every 200ms", "cli.add", "2", "3")
        with self.worker("-B", "-n", "a@%h", log="a.log"), self.worker("-B", "-n", "b@%h", log="b.log"):
            self.wait_for(lambda: self.entry("often")["total_run_count"] >= 3)
            senders = [log for log in ("a.log", "b.log") if "Sending due task" in read(self.path(log))]
        self.assertEqual(len(senders), 1, senders)

    def test_a_killed_leader_is_replaced_within_fifteen_seconds(self):
        self.schedule("add", "often", "every 1s", "cli.add", "2", "3", "--catch-up", "all")
        with self.worker(), contextlib.ExitStack() as stack:
            beats = {name: stack.enter_context(self.killed_beat(name)) for name in ("one.log", "two.log")}
            self.wait_for(lambda: self.leader(*beats) and "Sending due task" in read(self.path(self.leader(*beats))))
            leader = self.leader(*beats)
            other = next(log for log in beats if log != leader)
            beats[leader].kill()
            killed = time.monotonic()
            self.wait_for(lambda: "Sending due task" in read(self.path(other)))
            took = time.monotonic() - killed
            self.wait_for(lambda: read(self.path("worker.log")).count("succeeded") >= 2)
        print(f"the schedule moved in {took:.1f} s")
        self.assertLess(took, 15)
        self.assert_no_run_came_twice()

    @once
    def test_what_a_killed_scheduler_had_claimed_and_not_sent_runs_once_with_its_id(self):
        with servers.redis() as broker:
            self.env["LOVAGE_BROKER_URL"] = broker.url()
            self.env["LOVAGE_RESULT_BACKEND"] = self.env["LOVAGE_BEAT_STORE_URL"] = f"sqlite:///{self.dir}/store.db"
            with self.killed_beat("first.log") as first:
                self.wait_for(lambda: " leads" in read(self.path("first.log")), None)
                broker.suspend()
                self.schedule("add", "often", "every 1s", "cli.add", "2", "3")
                self.wait_for(lambda: self.claims("sent_at IS NULL"))
                first.kill()
                first.wait()
            claimed = self.claims("sent_at IS NULL")
            self.assertEqual((len(claimed), self.entry("often")["total_run_count"]), (1, 0))
            broker.resume()
            with self.worker(), self.beat():
                self.wait_for(lambda: not self.claims("sent_at IS NULL") and self.claims("sent_at IS NOT NULL"))
                self.wait_for(lambda: read(self.path("worker.log")).count("succeeded") >= 2)
            self.assertIn("was claimed and not sent; it is sent now", read(self.path("beat.log")))
            self.assertIn(claimed[0], self.claims("sent_at IS NOT NULL"))
            self.assert_no_run_came_twice()

    def claims(self, which):
        with contextlib.closing(sqlite3.connect(self.path("store.db"))) as store:
            return [due for due, in store.execute(f"SELECT due FROM schedule_claim WHERE {which}")]

    def assert_no_run_came_twice(self):
        log = read(self.path("worker.log"))
        ids = [line.split("cli.add[")[1].split("]")[0] for line in log.splitlines() if "cli.add[" in line and "succeeded" in line]
        self.assertGreater(len(ids), 1)
        self.assertEqual(len(ids), len(set(ids)), "a run came twice")

    def test_the_run_before_is_ended_where_runs_must_not_overlap_and_the_newest_counts(self):
        begun, go = self.path("begun"), self.path("go")
        self.schedule("add", "newest", "every 1s", "cli.until", begun, go, "--overlap", "cancel")
        log = self.path("worker.log")
        ids = lambda: [line.split("cli.until[")[1].split("]")[0] for line in read(log).splitlines()
                       if "cli.until[" in line and "received" in line]
        with self.worker("-c", "1"), self.beat():
            # There is one slot: the third has begun to run only if both before it have ended.
            self.wait_for(lambda: len(ids()) >= 3)
            for task in ids()[:2]:
                self.assertIn("REVOKED", self.lovage("result", task, "--wait", "20", code=1).stdout)
            os.remove(begun)
            self.wait_for(lambda: os.path.exists(begun))
            self.assertIn("Revoking the last run of newest", read(self.path("beat.log")))
            self.schedule("pause", "newest")
            with open(go, "w"):
                pass
            self.wait_for(lambda: "succeeded" in read(log))

    def test_two_applications_on_one_store_are_told(self):
        ours, theirs = {"task": "cli.echo", "schedule": "@yearly"}, {"task": "cli.add", "schedule": "@yearly"}
        with self.beat(log="one.log", LOVAGE_BEAT_SCHEDULE=json.dumps({"ours": ours})):
            self.wait_for(lambda: self.leader("one.log"))
            with self.beat(log="two.log", LOVAGE_BEAT_SCHEDULE=json.dumps({"ours": ours, "theirs": theirs})):
                self.wait_for(lambda: "another application needs a beat_store_url of its own" in read(self.path("two.log")))
        warnings = [line for line in read(self.path("two.log")).splitlines() if "leads a schedule without" in line]
        self.assertEqual(len(warnings), 1, warnings)
        self.assertIn("'theirs'", warnings[0])

    def ask(self, log, page):
        """Status and text of a page of the port for probes; None while there is no port."""
        lines = [line for line in read(self.path(log)).splitlines() if "health checks at " in line]
        if not lines:
            return None, ""
        try:
            with urllib.request.urlopen(lines[-1].split("health checks at ")[1] + page, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def test_probes_and_prometheus_see_who_leads_and_what_was_sent(self):
        self.schedule("add", "often", "every 200ms", "cli.echo", "x")
        with self.beat("--health-port", "0", log="one.log"):
            self.wait_for(lambda: "lovage_beat_leader 1\n" in self.ask("one.log", "/metrics")[1])
            self.wait_for(lambda: self.ask("one.log", "/readyz")[0] == 200)
            told = json.loads(self.ask("one.log", "/readyz")[1])
            self.assertEqual((told["leads"], told["leader"], told["store"]), (True, told["name"], "reachable"))
            sent = lambda: int(self.ask("one.log", "/metrics")[1].split("\nlovage_beat_sent_total ")[1].split()[0])
            self.wait_for(lambda: sent() >= 3)
            with self.beat("--", "beat_health_port=0", log="two.log"):
                self.wait_for(lambda: self.ask("two.log", "/readyz")[0] == 200)
                second = json.loads(self.ask("two.log", "/readyz")[1])
                self.assertEqual((second["leads"], second["leader"], second["entries"]), (False, told["name"], 0))
                self.assertEqual(self.ask("two.log", "/healthz")[0], 200)
                self.assertIn("lovage_beat_leader 0\n", self.ask("two.log", "/metrics")[1])
            port = self.ask_port("one.log")
            self.assertIn("cannot listen for health checks",
                          self.lovage("beat", "--health-port", port, code=1).stderr)

    def ask_port(self, log):
        return read(self.path(log)).split("health checks at http://127.0.0.1:")[1].split()[0]

    @once
    def test_a_scheduler_whose_store_is_away_lives_and_is_not_ready(self):
        with servers.redis() as store:
            self.env["LOVAGE_BEAT_STORE_URL"] = store.url()
            with self.beat("--health-port", "0"):
                self.wait_for(lambda: self.ask("beat.log", "/readyz")[0] == 200)
                store.kill()
                self.wait_for(lambda: self.ask("beat.log", "/readyz")[0] == 503)
                told = json.loads(self.ask("beat.log", "/readyz")[1])
                self.assertEqual(told["store"], "away")
                self.assertIn("the schedule store cannot be reached", told["reason"])
                self.assertEqual(self.ask("beat.log", "/healthz")[0], 200)
                store.restart()
                self.wait_for(lambda: self.ask("beat.log", "/readyz")[0] == 200)
        with self.beat("--health-port", "0", log="later.log"):  # not open yet
            self.wait_for(lambda: self.ask("later.log", "/readyz")[0] == 503)
            self.assertEqual(self.ask("later.log", "/healthz")[0], 200)

    @once
    def test_a_pid_file_and_a_log_in_json(self):
        pid = self.dir + "/beat.pid"
        with self.beat("--pidfile", pid, "--log-format", "json", "-s", self.dir + "/own.db") as beat:
            self.assertEqual(int(read(pid)), beat.pid)
            refused = self.lovage("beat", "--pidfile", pid, code=1).stderr
            self.assertIn("belongs to a living process", refused)
            self.assertTrue(os.path.exists(self.dir + "/own.db"))
        self.assertFalse(os.path.exists(pid))
        for line in read(self.dir + "/beat.log").splitlines():
            json.loads(line)


if __name__ == "__main__":
    unittest.main()
