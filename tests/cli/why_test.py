"""Why a task does not run, as the dashboard says it: each reason with a real worker, or without."""
import contextlib
import os
import unittest
import uuid

from web_case import WebCase
import brokers


class WhyTest(WebCase):
    def setUp(self):
        super().setUp()
        self.env["LOVAGE_TASK_SEND_SENT_EVENT"] = "true"

    def send(self, *args):
        task = str(uuid.uuid4())
        self.lovage("call", *args, "--id", task)
        return task

    def why(self, url, task):
        """Code and text; nothing while it is not known or needs no reason."""
        status, _, _ = self.ask(f"{url}/api/v1/tasks/{task}")
        reason = self.get(f"{url}/api/v1/tasks/{task}")["why"] if status == 200 else None
        return (reason["code"], reason["text"]) if reason else ("", "")

    def expect(self, url, task, code, *words):
        last = []

        def said():
            last[:] = self.why(url, task)
            return last[0] == code and all(word in last[1] for word in words)

        try:
            self.wait_for(said)
        except AssertionError:
            self.fail(f"{last}, wanted {code} with {words}")

    def online(self, url, name="w1@here"):
        """Waits until the worker has answered what it takes from."""
        self.wait_for(lambda: any(w["name"] == name and w["queues"] for w in self.get(url + "/api/v1/workers")["workers"]))

    @contextlib.contextmanager
    def both(self, *args, **env):
        with self.worker("-E", "-n", "w1@here", *args, **env), self.web() as url:
            self.online(url)
            yield url

    def test_nobody_takes_from_its_queue(self):
        with self.both() as url:
            self.expect(url, self.send("cli.add", "1", "2", "--queue", "slow"), "no_consumer", "'slow'", "-Q slow")

    def test_no_worker_is_there(self):
        with self.web() as url:
            self.expect(url, self.send("cli.add", "1", "2"), "no_consumer")

    def test_it_is_not_time(self):
        with self.both() as url:
            self.expect(url, self.send("cli.add", "1", "2", "--countdown", "3600"), "eta", "countdown")

    def test_its_queue_is_paused(self):
        with self.both() as url:
            session = self.get(url + "/api/v1/session")
            status, _, text = self.ask(url + "/api/v1/queues/celery/pause", {}, X_CSRF_Token=session["csrf"])
            self.assertEqual(status == 200, session["can"]["pause"], text)
            if status == 200:
                self.expect(url, self.send("cli.add", "1", "2"), "paused", "'celery'", "resume")

    def test_all_slots_are_busy_and_then_it_runs(self):
        with self.both("-c", "1") as url:
            go = self.dir + "/go"
            running = self.send("cli.until", self.dir + "/begun", go)
            self.wait_for(lambda: os.path.exists(self.dir + "/begun"))
            self.expect(url, running, "running", "w1@here")
            self.expect(url, self.send("cli.add", "1", "2"), "busy", "slots")
            open(go, "w").close()

    def test_its_rate_is_limited(self):
        with self.both() as url:
            self.lovage("control", "rate_limit", "cli.add", "1/h")
            for _ in range(2):
                last = self.send("cli.add", "1", "2")
            self.expect(url, last, "rate_limit", "1/h", "cli.add")

    def test_it_was_revoked(self):
        with self.both() as url:
            task = self.send("cli.add", "1", "2", "--countdown", "5")
            self.expect(url, task, "eta")
            self.lovage("control", "revoke", task)
            self.expect(url, task, "revoked")

    def test_it_expired_where_nobody_takes_it(self):
        with self.web() as url:
            self.expect(url, self.send("cli.add", "1", "2", "--expires", "1"), "expired")

    def test_no_worker_knows_it(self):
        # The only place is taken, so that it stays in its queue.
        with self.both("-c", "1", LOVAGE_TASK_ACKS_LATE="true", LOVAGE_WORKER_PREFETCH_MULTIPLIER="1") as url:
            go = self.dir + "/go"
            self.send("cli.until", self.dir + "/begun", go)
            self.wait_for(lambda: os.path.exists(self.dir + "/begun"))
            task = self.send("cli.nothing", "1")
            self.expect(url, task, "not_registered", "'cli.nothing'", "plug-in")
            open(go, "w").close()
            if brokers.KIND != "rabbitmq":  # where the dead set is a queue that others may read
                self.expect(url, task, "dead", "redrive")

    def test_its_worker_is_gone(self):
        with self.web() as url:
            with self.worker("-E", "-n", "w1@here", "-c", "1", code=-9) as worker:
                self.online(url)
                task = self.send("cli.until", self.dir + "/begun", self.dir + "/go")
                self.wait_for(lambda: os.path.exists(self.dir + "/begun"))
                self.expect(url, task, "running")
                worker.kill()
                worker.wait()
            open(self.dir + "/go", "w").close()
            self.expect(url, task, "worker_lost", "w1@here")


if __name__ == "__main__":
    unittest.main()
