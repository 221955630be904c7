"""Limits, recycling, autoscale and titles of the real program. Needs LOVAGE_PROGRAM and LOVAGE_PLUGIN;
LOVAGE_TEST_BROKER says on which broker."""
import contextlib
import json
import os
import re
import signal
import subprocess
import unittest

from worker_case import PLUGIN, PROGRAM, WorkerCase, children_of, read


class PoolsTest(WorkerCase):
    def test_a_hard_limit_kills_the_child_and_replaces_it(self):
        with self.worker("-P", "prefork", "-c", "1", "--time-limit", "0.5"):
            for _ in range(5):  # within 0.1 s of it, but for what the machine has else to do
                self.assertIn("TimeLimitExceeded", self.call("pools.spin"))
                if min(self.spans("received", "failed"), default=1) < 0.6:
                    break
            self.assertRegex(self.call("pools.pid"), r"^\d+$")
        took = self.spans("received", "failed")
        self.assertGreaterEqual(min(took), 0.49)
        self.assertLess(min(took), 0.6)

    def test_a_child_tells_where_it_stood_at_its_hard_limit(self):
        stack = r"stack of process \d+ \[lovage: w1@host:ForkPoolWorker-\d: pools.spin\]"
        with self.worker("-P", "prefork", "-c", "1", "--time-limit", "0.2"):
            for _ in range(5):  # it has 20 ms, and the machine may have other things to do
                self.assertIn("TimeLimitExceeded", self.call("pools.spin"))
                if re.search(stack, read(self.errors)):
                    break
        self.assertRegex(read(self.errors), stack)

    def test_a_soft_limit_ends_waits_on_every_pool(self):
        for pool in ("prefork", "threads", "solo", "coroutine"):
            with self.subTest(pool), self.worker("-P", pool, "-c", "1", "--soft-time-limit", "0.2"):
                self.assertIn("SoftTimeLimitExceeded", self.call("pools.sleep", 60))
                self.assertIn("SoftTimeLimitExceeded", self.call("pools.wait", 60))
                self.assertIn("tidied up", self.call("pools.tidy", 60))
            os.remove(self.log)

    @contextlib.contextmanager
    def events(self):
        """Lines of `lovage events --dump` so far, as a function."""
        path = os.path.join(self.dir, "events")
        with open(path, "w") as out:
            monitor = subprocess.Popen([PROGRAM, "events", "--dump"], cwd=self.dir, env=self.env, stdout=out,
                                       stderr=subprocess.STDOUT)
        try:
            yield lambda: read(path).splitlines()
        finally:
            monitor.kill()
            monitor.wait()

    def test_events_of_a_body_come_from_every_pool(self):
        for pool in ("prefork", "threads", "solo", "coroutine"):
            with self.subTest(pool), self.events() as lines, \
                    self.worker("-P", pool, "-c", "1", "-E", "--heartbeat-interval", "0.1"):
                self.wait_for(lambda: any(" heartbeat: " in l for l in lines()))
                for task, told in (("pools.tell", "done=12,.* of=thirty,"), ("pools.tell_waiting", "done=13,")):
                    task_id = self.send(task)
                    self.wait_for(lambda: any(" task succeeded: " in l and task_id in l for l in lines()))
                    of_task = [l for l in lines() if task_id in l]
                    self.assertEqual([re.search(r"\] task (\w+): ", l).group(1) for l in of_task],
                                     ["received", "started", "progress", "succeeded"], of_task)
                    self.assertRegex(of_task[2], told)
            os.remove(self.log)

    def test_no_events_of_a_body_come_where_events_of_tasks_are_off(self):
        with self.events() as lines, self.worker("-P", "prefork", "-c", "1", "--heartbeat-interval", "0.1"):
            self.wait_for(lambda: any(" heartbeat: " in l for l in lines()))
            self.assertEqual(self.call("pools.tell"), "1")
            before = len(lines())
            self.wait_for(lambda: len(lines()) > before + 1)
            self.assertFalse([l for l in lines() if " task " in l])

    def test_a_configuration_annotates_tasks(self):
        self.env["LOVAGE_TASK_ANNOTATIONS"] = json.dumps({"pools.pid": {"rate_limit": "100/s", "max_retries": 7},
                                                          "*": {"track_started": True, "max_retries": 2}})
        with self.worker("-P", "prefork", "-c", "1"):
            listed = self.lovage("inspect", "registered", "rate_limit", "max_retries", "track_started", check=True).stdout
            self.assertIn("pools.pid [rate_limit=100/s max_retries=7 track_started=True]", listed)
            self.assertIn("pools.spin [max_retries=2 track_started=True]", listed)
        self.env["LOVAGE_TASK_ANNOTATIONS"] = '{"pools.spin": {"time_limit": 0.3}}'
        os.remove(self.log)
        with self.worker("-P", "prefork", "-c", "1"):
            self.assertIn("TimeLimitExceeded", self.call("pools.spin"))
        for wrong, said in (('{"pools.pid": {"rate": "1/s"}}', "unknown option 'rate'; there are rate_limit, time_limit"),
                            ('{"pools.pid": {"rate_limit": "often"}}', "task 'pools.pid': a rate limit is a number")):
            self.env["LOVAGE_TASK_ANNOTATIONS"] = wrong
            done = self.lovage("worker", "-A", PLUGIN)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)

    def test_children_are_replaced_after_so_many_tasks(self):
        with self.worker("-P", "prefork", "-c", "1", "--max-tasks-per-child", "2"):
            pids = [self.call("pools.pid") for _ in range(6)]
        self.assertEqual([pids.count(p) for p in pids], [2] * 6)

    def test_children_are_replaced_when_they_have_grown(self):
        with self.worker("-P", "prefork", "-c", "1", "--max-memory-per-child", "100000"):
            pids = [self.call("pools.pid"), self.call("pools.pid")]
            self.assertEqual(pids[0], pids[1])
            self.assertEqual(self.call("pools.keep", 150), pids[0])
            self.wait_for(lambda: self.call("pools.pid") != pids[0])

    def test_processes_say_what_they_are(self):
        with self.worker("-P", "prefork", "-c", "2", end_by=signal.SIGQUIT, code=1) as worker:
            self.send("pools.sleep", 60)
            self.wait_for(lambda: any("pools.sleep" in line for line in children_of(worker.pid).values()))
            lines = sorted(children_of(worker.pid).values())
            self.assertEqual(lines[-1], "[lovage: w1@host:ForkServer]")
            self.assertEqual(len(lines), 3)
            self.assertTrue(all(l.startswith("[lovage: w1@host:ForkPoolWorker-") for l in lines[:2]), lines)
            worker.send_signal(signal.SIGUSR1)
            self.wait_for(lambda: "end of stack" in read(self.errors))

    def test_autoscale_grows_while_tasks_wait(self):
        for pool in ("prefork", "threads", "coroutine"):
            with self.subTest(pool), self.worker("-P", pool, "--autoscale=4,1", "--prefetch-multiplier", "1"):
                for _ in range(8):
                    self.send("pools.sleep" if pool != "coroutine" else "pools.wait", 2)
                self.wait_for(lambda: "to 4 slots" in read(self.log))
            os.remove(self.log)

    def test_autoscale_is_checked(self):
        for text in ("x", "4,", "1,2", "0", "auto,4,9"):
            done = self.lovage("worker", "-A", PLUGIN, "--autoscale=" + text)
            self.assertEqual(done.returncode, 1, text)
            self.assertIn("autoscale", done.stderr)

    def test_the_watchdog_names_a_task_that_runs_too_long_and_writes_its_stack(self):
        for pool, stack in (("prefork", r"stack of process \d+ \[lovage: w1@host:ForkPoolWorker-\d: pools.sleep\]"),
                            ("threads", r"stack of thread \d+ in process \d+"), ("solo", r"stack of thread \d+")):
            with self.subTest(pool):
                with self.worker("-P", pool, "-c", "2", "--", "worker_watchdog=0.2"):
                    self.assertEqual(self.call("pools.pid").isdigit(), True)
                    task = self.send("pools.sleep", 1.5)
                    self.wait_for(lambda: "has been running" in read(self.log))
                    self.wait_for(lambda: "end of stack" in read(self.errors))
                self.assertRegex(read(self.log), rf"WARNING.*Task pools.sleep\[{task}\] has been running for 0\.\d s in process")
                self.assertEqual(read(self.log).count("has been running"), 1)
                self.assertRegex(read(self.errors), stack)
            os.remove(self.log)

    def test_the_watchdog_sees_an_event_loop_that_a_coroutine_blocks(self):
        with self.worker("-P", "coroutine", "-c", "100", "--", "worker_watchdog=0.5"):
            self.assertEqual(self.call("pools.wait", 1.2), "1")
            self.assertNotIn("WARNING", read(self.log))
            self.assertNotIn("stack of", read(self.errors))
            task = self.send("pools.block", 1.5)
            self.wait_for(lambda: f"Task pools.block[{task}] has been running" in read(self.log))
            self.wait_for(lambda: "end of stack" in read(self.errors))
            self.wait_for(lambda: f"Task pools.block[{task}] succeeded" in read(self.log))
            self.send("pools.wait", 5)
            self.send("pools.block", 1.5)
            self.wait_for(lambda: "Coroutine tasks are held up" in read(self.log))

    def test_stacks_are_written_on_usr1_where_threads_run_tasks(self):
        for pool, task, stacks in (("threads", "pools.sleep", 2), ("coroutine", "pools.wait", 1)):
            with self.subTest(pool):
                with self.worker("-P", pool, "-c", "2") as worker:
                    for _ in range(2):
                        self.send(task, 2)

                    def written():
                        worker.send_signal(signal.SIGUSR1)
                        return len(set(re.findall(r"stack of thread (\d+)", read(self.errors)))) >= stacks
                    self.wait_for(written)
            os.remove(self.log)

    def test_a_hard_limit_is_refused_where_nothing_can_be_killed(self):
        for pool in ("threads", "solo", "coroutine"):
            done = self.lovage("worker", "-A", PLUGIN, "-P", pool, "--time-limit", "5")
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot enforce", done.stderr)


if __name__ == "__main__":
    unittest.main()
