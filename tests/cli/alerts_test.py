"""Alerts as whoever is told of them meets them: each kind is provoked, told once, and told to be over."""
import contextlib
import signal
import time
import unittest

from cli_case import once
import told
from web_case import WebCase


class AlertsTest(WebCase):
    @contextlib.contextmanager
    def watched(self, **rules):
        """A dashboard with these rules; gives its address and the inboxes of webhook and mail."""
        with told.webhook() as (posts, http_port), told.mail() as (mails, smtp_port):
            env = {"LOVAGE_ALERT_" + name.upper(): str(value) for name, value in rules.items()}
            env |= {"LOVAGE_ALERT_WEBHOOK_URL": f"http://127.0.0.1:{http_port}/hook", "LOVAGE_ALERT_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
                    "LOVAGE_ALERT_MAIL_FROM": "lovage@example.org", "LOVAGE_ALERT_MAIL_TO": "ops@example.org,ann@example.org",
                    "LOVAGE_ALERT_LINK": "https://jobs.example.org"}
            with self.web(**env) as url:
                yield url, posts, mails

    def told(self, inbox, kind, subject, state, nth):
        """The nth message of the webhook is this one."""
        found = inbox.wait(nth)
        self.assertEqual(len(found), nth, f"each change is told once: {found}")
        body = found[-1]
        alert = f"{kind}:{subject}" if subject else kind
        self.assertEqual({k: body[k] for k in ("alert", "kind", "subject", "state", "link")},
                         {"alert": alert, "kind": kind, "subject": subject, "state": state, "link": "https://jobs.example.org"})
        self.assertLess(abs(time.time() - body["since"]), 120)
        self.assertEqual(body["resolved"] is not None, state == "resolved")
        return body["text"]

    def fail_tasks(self, count):
        for n in range(count):
            self.lovage("call", "cli.refuse", f'"no {n}"')

    def known(self, url, **counts):
        """Waits until the dashboard counted these."""
        self.wait_for(lambda: all(self.get(url + "/api/v1/overview")["totals"][name] >= n for name, n in counts.items()))

    @once
    def test_failures_are_told_and_refused_deliveries_tried_again(self):
        with self.watched(failure_percent=50, failure_least=3) as (url, posts, mails), self.worker("-E", "-c", "2"):
            posts.to_refuse, mails.to_refuse = 2, 1
            self.fail_tasks(3)
            text = self.told(posts, "failure_rate", "", "fired", 1)
            self.assertEqual(text, "3 of 3 tasks failed in the last five minutes")
            self.assertEqual(posts.refused, 2)
            sent = mails.wait(1)[0]
            self.assertEqual(mails.refused, 1)
            self.assertEqual((sent["from"].split()[0], [to.split()[0] for to in sent["to"]]),
                             ("FROM:<lovage@example.org>", ["TO:<ops@example.org>", "TO:<ann@example.org>"]))
            self.assertEqual(sent["mail"]["Subject"], "lovage: alert: " + text)
            self.assertEqual(sent["mail"]["To"], "ops@example.org, ann@example.org")
            self.assertIn("https://jobs.example.org", sent["mail"].get_content())
            self.fail_tasks(2)
            self.known(url, failed=5)
            for n in range(6):
                self.lovage("call", "cli.add", str(n), "1")
            self.told(posts, "failure_rate", "", "resolved", 2)
            self.assertEqual(mails.wait(2)[1]["mail"]["Subject"].split(": ")[1], "over")
            self.assertEqual(len(mails.wait(2)), 2)

    def backlog(self, sender):
        self.env["LOVAGE_TASK_QUEUES"] = "celery,slow"  # RabbitMQ does not tell which there are
        with self.watched(backlog_age="2s") as (_, posts, mails):
            self.lovage("call", "cli.add", "1", "1", "--queue", "slow", **sender)
            self.lovage("call", "cli.add", "2", "1", "--queue", "slow", **sender)
            self.assertIn("the oldest message of queue 'slow' has waited", self.told(posts, "backlog_age", "slow", "fired", 1))
            with self.worker("-E", "-Q", "slow"):
                self.told(posts, "backlog_age", "slow", "resolved", 2)
            self.assertEqual(len(mails.wait(2)), 2)

    def test_a_backlog_is_told_where_senders_tell(self):
        self.backlog({"LOVAGE_TASK_SEND_SENT_EVENT": "true"})

    def test_a_backlog_is_told_where_nobody_takes_from_the_queue(self):
        self.backlog({})

    @once
    def test_a_lost_worker_is_told_and_one_that_ends_is_not(self):
        with self.watched(worker_lost="1s") as (url, posts, _):
            def online(name):
                return any(w["name"] == name and w["state"] == "online" for w in self.get(url + "/api/v1/workers")["workers"])

            with self.worker("-E", "-n", "good@here", log="good.log"):
                self.wait_for(lambda: online("good@here"))
            with self.worker("-E", "-n", "lost@here", code=-signal.SIGKILL) as worker:
                self.wait_for(lambda: online("lost@here"))
                worker.kill()
                worker.wait()
            self.told(posts, "worker_lost", "lost@here", "fired", 1)
            with self.worker("-E", "-n", "lost@here", log="again.log"):
                self.told(posts, "worker_lost", "lost@here", "resolved", 2)

    @once
    def test_a_schedule_that_is_missed_is_told(self):
        self.lovage("schedule", "add", "tick", "every 1s", "cli.add", "--args", "[1, 2]")
        with self.watched(schedule_missed="3s") as (_, posts, _):
            self.assertIn("does a scheduler run?", self.told(posts, "schedule_missed", "tick", "fired", 1))
            with self.worker("-B"):
                self.told(posts, "schedule_missed", "tick", "resolved", 2)


if __name__ == "__main__":
    unittest.main()
