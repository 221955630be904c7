"""Time limits of the real program, to a tenth of a second. Needs LOVAGE_PROGRAM, LOVAGE_PLUGIN and LOVAGE_LIMITED.

A task writes down when it began and when it saw its soft limit; the test sees when the child of a hard one is gone. The
machine may be busy with something else: of a few tries one must keep to the bound, which stays what it is.
"""
import concurrent.futures
import os
import time
import unittest

from worker_case import WorkerCase, read

LIMITED = os.environ["LOVAGE_LIMITED"]
LIMIT = 0.5
BOUND = 0.1
TRIES = 5


def is_alive(pid):
    state = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return bool(state) and state[0] not in "ZX"


class LimitsTest(WorkerCase):
    def setUp(self):
        super().setUp()
        self.files = 0

    def begin(self, task, how, count, options):
        """Files that as many tasks write to, once all have begun; and their ids."""
        files = [f"{self.dir}/marks{self.files + n}" for n in range(count)]
        self.files += count
        with concurrent.futures.ThreadPoolExecutor(count) as at_once:
            ids = list(at_once.map(lambda file: self.send(task, file, how, options=options), files))
        self.wait_for(lambda: all(read(f).endswith("\n") for f in files))
        return files, ids

    def soft(self, task, how, count, options=()):
        """After how long each saw its soft limit."""
        files, _ = self.begin(task, how, count, options)
        self.wait_for(lambda: all(read(f).count("\n") == 2 for f in files))
        lines = [read(f).splitlines() for f in files]
        return [(int(seen.split()[1]) - int(began.split()[1])) / 1e9 for began, seen in lines]

    def hard(self, task, how, count, options=()):
        """After how long the child of each was gone."""
        files, ids = self.begin(task, how, count, options)
        began, gone = [], {}
        for _, start, pid in (read(f).split() for f in files):
            began.append((int(pid), int(start)))
        end = time.monotonic() + 20
        while len(gone) < count and time.monotonic() < end:
            for pid, start in began:
                if pid not in gone and not is_alive(pid):
                    gone[pid] = (time.monotonic_ns() - start) / 1e9
            time.sleep(0.001)
        for id in ids:
            done = self.lovage("result", id, "--wait", "20")
            self.assertIn("TimeLimitExceeded", done.stdout + done.stderr)
        return list(gone.values())

    def assert_in_time(self, measure, *args):
        all_of_them = []
        for _ in range(TRIES):
            took = measure(*args)
            self.assertEqual(len(took), args[2])
            if all(abs(t - LIMIT) <= BOUND for t in took):
                return
            all_of_them.append(took)
        self.fail(f"none within {BOUND} s of {LIMIT} s: {all_of_them}")

    def test_a_child_is_gone_at_its_hard_limit_by_task_by_call_and_by_remote_control(self):
        with self.worker("-A", LIMITED, "-P", "prefork", "-c", "4"):
            self.assert_in_time(self.hard, "limited.hard", "deaf", 4)
            self.assert_in_time(self.hard, "limits.run", "deaf", 4, ["--time-limit", str(LIMIT)])
            self.assert_in_time(self.hard, "limits.run", "spin", 2, ["--time-limit", str(LIMIT)])
            self.lovage("control", "time_limit", "limits.run", "60", str(LIMIT), check=True)
            self.assert_in_time(self.hard, "limits.run", "deaf", 4)

    def test_the_setting_is_a_hard_limit_for_all(self):
        with self.worker("-P", "prefork", "-c", "4", "--time-limit", str(LIMIT)):
            self.assert_in_time(self.hard, "limits.run", "deaf", 4)

    def test_a_task_sees_its_soft_limit_on_every_pool(self):
        for pool in ("prefork", "threads", "solo", "coroutine"):
            several = 4 if pool in ("prefork", "threads") else 1
            with self.subTest(pool), self.worker("-P", pool, "-c", "4"):
                for how in ("sleep", "poll"):
                    self.assert_in_time(self.soft, "limits.soft", how, several)
                    self.assert_in_time(self.soft, "limits.run", how, several, ["--soft-time-limit", str(LIMIT)])
                self.lovage("control", "time_limit", "limits.run", str(LIMIT), check=True)
                self.assert_in_time(self.soft, "limits.run", "sleep", several)
            os.remove(self.log)

    def test_a_coroutine_sees_its_soft_limit(self):
        for pool, several in (("coroutine", 4), ("prefork", 4), ("threads", 4), ("solo", 1)):
            with self.subTest(pool), self.worker("-P", pool, "-c", "4"):
                self.assert_in_time(self.soft, "limits.await", "", several, ["--soft-time-limit", str(LIMIT)])
            os.remove(self.log)

    def test_a_hard_limit_where_nothing_can_be_killed_is_refused_or_said_to_have_no_effect(self):
        for pool in ("threads", "solo", "coroutine"):
            with self.subTest(pool), self.worker("-P", pool, "-c", "1"):
                refused = self.lovage("control", "time_limit", "limits.run", "60", "5")
                self.assertIn(f"the {pool} pool cannot enforce a hard time limit", refused.stdout + refused.stderr)
                for _ in range(2):
                    self.send("pools.pid", options=["--time-limit", "5"])
                self.wait_for(lambda: read(self.log).count("succeeded in") == 2)
                self.assertEqual(read(self.log).count("has a hard time limit, which the"), 1)
            os.remove(self.log)
            done = self.lovage("worker", "-A", LIMITED, "-P", pool)
            self.assertEqual(done.returncode, 1)
            self.assertIn("task 'limited.hard' has a hard time limit", done.stderr)


if __name__ == "__main__":
    unittest.main()
