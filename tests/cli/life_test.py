"""How a worker ends, starts anew and lives as a service."""
import os
import shutil
import signal
import socket
import unittest

from cli_case import PLUGIN, Case, read


class LifeTest(Case):
    def path(self, name):
        return os.path.join(self.dir, name)

    def begin(self, worker):
        """Sends a task that runs until `finish`."""
        self.lovage("call", "cli.until", self.path("begun"), self.path("go"), "--id", "long")
        self.wait_for(lambda: os.path.exists(self.path("begun")), worker)

    def finish(self):
        open(self.path("go"), "w").close()

    def log(self):
        return read(self.path("worker.log"))

    def test_quit_gives_what_runs_the_soft_timeout(self):
        with self.worker("--", "worker_soft_shutdown_timeout=60", code=1) as worker:
            self.begin(worker)
            worker.send_signal(signal.SIGQUIT)
            self.wait_for(lambda: "soft shutdown" in self.log(), worker)
            self.finish()
            worker.wait(20)
        self.assertIn("SUCCESS", self.lovage("result", "long").stdout)
        self.assertNotIn("cold shutdown", self.log())

    def test_each_quit_is_sharper_and_nothing_is_lost(self):
        with self.worker("--", "worker_soft_shutdown_timeout=60", code=1) as worker:
            self.begin(worker)
            worker.send_signal(signal.SIGQUIT)
            self.wait_for(lambda: "soft shutdown" in self.log(), worker)
            worker.send_signal(signal.SIGQUIT)
            worker.wait(20)
        self.assertIn("cold shutdown", self.log())
        self.assertIn("PENDING", self.lovage("result", "long", code=3).stdout)
        self.finish()
        with self.worker():
            self.assertIn("SUCCESS", self.lovage("result", "long", "--wait", "40").stdout)

    def test_term_is_taken_for_quit_where_the_environment_says_so(self):
        with self.worker(code=1, REMAP_SIGTERM="SIGQUIT") as worker:
            self.begin(worker)
            worker.send_signal(signal.SIGTERM)
            worker.wait(20)
        self.assertIn("cold shutdown", self.log())

    def test_hup_finishes_what_runs_and_starts_anew_in_the_same_process(self):
        with self.worker("--pidfile", self.path("pid")) as worker:
            self.begin(worker)
            worker.send_signal(signal.SIGHUP)
            self.wait_for(lambda: "warm shutdown" in self.log(), worker)
            self.lovage("call", "cli.add", "2", "3", "--id", "next")
            self.finish()
            self.assertIn("result:  5\n", self.lovage("result", "next", "--wait", "20").stdout)
            self.assertEqual(int(read(self.path("pid"))), worker.pid)
            self.wait_for(lambda: self.log().count("ready.") == 2, worker)  # it takes tasks before it says so
        self.assertFalse(os.path.exists(self.path("pid")))
        self.assertIn("SUCCESS", self.lovage("result", "long").stdout)

    def test_who_reloads_and_is_told_to_end_ends(self):
        with self.worker() as worker:
            self.begin(worker)
            worker.send_signal(signal.SIGHUP)
            self.wait_for(lambda: "warm shutdown" in self.log(), worker)
            worker.send_signal(signal.SIGTERM)
            self.finish()
            worker.wait(20)
        self.assertEqual(self.log().count("ready."), 1)

    def test_no_signal_is_lost_or_deadly_while_a_worker_starts_anew(self):
        with self.worker("-P", "solo") as worker:
            # One every 20 ms: some find it between its two lives.
            self.wait_for(lambda: worker.send_signal(signal.SIGHUP) or self.log().count("ready.") >= 8, worker)
            worker.send_signal(signal.SIGTERM)
            self.assertEqual(worker.wait(20), 0)

    def test_hup_is_refused_while_the_plug_in_on_disk_is_broken(self):
        plugin = self.path("libmine.so")
        shutil.copy(PLUGIN, plugin)
        with self.worker("-A", plugin, plugin=None) as worker:
            os.unlink(plugin)
            with open(plugin, "w") as f:
                f.write("no plug-in")
            worker.send_signal(signal.SIGHUP)
            self.wait_for(lambda: "not reloaded" in self.log(), worker)
            self.assertEqual(self.lovage("call", "cli.add", "2", "3", "--wait", "20").stdout, "5\n")

    def test_a_pid_file_belongs_to_one_living_worker(self):
        with self.worker("--pidfile", self.path("%n.pid"), "-n", "w1@here"):
            refused = self.lovage("worker", "-A", PLUGIN, "--pidfile", self.path("w1.pid"), code=1).stderr
            self.assertIn("belongs to a living process", refused)
        with open(self.path("w1.pid"), "w") as f:
            f.write("999999999")
        with self.worker("--pidfile", self.path("w1.pid"), log="second.log"):
            pass

    def test_a_service_manager_hears_of_it(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(self.path("notify"))
            manager.settimeout(20)
            with self.worker("-P", "solo", NOTIFY_SOCKET=self.path("notify"), WATCHDOG_USEC="200000"):
                self.assertTrue(manager.recv(1000).startswith(b"READY=1\nSTATUS="))
                self.assertEqual(manager.recv(1000), b"WATCHDOG=1")
                self.assertEqual(manager.recv(1000), b"WATCHDOG=1")
            heard = b"WATCHDOG=1"
            while heard == b"WATCHDOG=1":
                heard = manager.recv(1000)
            self.assertEqual(heard, b"STOPPING=1")

    def test_a_running_task_is_terminated_by_remote_control(self):
        with self.worker("-c", "1") as worker:
            self.begin(worker)
            self.assertIn("terminate: long", self.lovage("control", "terminate", "SIGTERM", "long").stdout)
            self.assertIn("TaskRevokedError: terminated", self.lovage("result", "long", "--wait", "20", code=1).stdout)
            self.assertEqual(self.lovage("call", "cli.add", "2", "3", "--wait", "20").stdout, "5\n")

    def test_a_time_limit_set_by_remote_control_is_kept(self):
        with self.worker("-c", "1"):
            self.assertIn("time limits set", self.lovage("control", "time_limit", "cli.until", "0.2", "0.4").stdout)
            self.lovage("call", "cli.until", self.path("begun"), self.path("go"), "--id", "long")
            self.assertIn("TimeLimitExceeded", self.lovage("result", "long", "--wait", "20", code=1).stdout)

    def test_multi_starts_reloads_and_stops_workers(self):
        nodes = ("w1@a", "w2@a", f"--pidfile={self.dir}/%n.pid", f"--logfile={self.dir}/%n.log")
        self.addCleanup(self.lovage, "multi", "kill", *nodes)
        said = self.lovage("multi", "start", *nodes, "-A", PLUGIN, "-P", "solo", "-l", "info", "-Q:w2@a", "slow").stdout
        self.assertIn("> w1@a: OK\n", said)
        self.assertIn("> w2@a: OK\n", said)
        self.assertIn("runs already", self.lovage("multi", "start", *nodes).stdout)
        self.assertEqual(self.lovage("call", "cli.add", "2", "3", "--queue", "slow", "--wait", "20").stdout, "5\n")
        before = read(self.path("w1.pid"))
        self.lovage("multi", "reload", *nodes)
        for log in ("w1.log", "w2.log"):
            self.wait_for(lambda: read(self.path(log)).count("ready.") == 2)
        self.assertEqual(read(self.path("w1.pid")), before)
        self.lovage("multi", "stopwait", *nodes)
        self.assertFalse(os.path.exists(self.path("w2.pid")))
        self.assertIn("DOWN", self.lovage("multi", "stop", *nodes).stdout)
        self.assertEqual(self.lovage("multi", "names", "2").stdout.count("celery"), 2)
        self.assertIn("name the nodes", self.lovage("multi", "start", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
