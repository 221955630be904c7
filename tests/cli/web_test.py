"""The dashboard as a user meets it: `lovage web`, its logins, and its stream."""
import json
import os
import re
import subprocess
import unittest
import urllib.request

from cli_case import PROGRAM, once
from web_case import WebCase


class WebTest(WebCase):
    def user(self, name, password, *args):
        done = subprocess.run([PROGRAM, "web", "passwd", name, "--save", "users", *args], cwd=self.dir, env=self.env,
                              input=password + "\n", text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def token(self, name, *args):
        said = self.lovage("web", "token", name, "--save", "users", *args).stderr
        return re.search(r"shown this once: (\S+)", said)[1]

    def test_shows_itself_and_ends_by_term(self):
        with self.web() as url:
            self.assertTrue(url.startswith("http://127.0.0.1:"))
            status, headers, text = self.ask(url + "/api/v1/session")
            self.assertEqual((status, json.loads(text)["role"]), (200, "operator"))
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
            self.assertEqual(self.ask(url + "/healthcheck")[2], "OK")
            self.assertEqual(self.ask(url + "/api/v1/overview")[0], 200)

    @once
    def test_beyond_this_machine_it_wants_a_login(self):
        said = self.lovage("web", "--host", "0.0.0.0", "--port", "0", code=1).stderr
        self.assertIn("lovage web passwd", said)

    @once
    def test_passwords_and_tokens_log_in(self):
        self.user("ann", "a long password")
        token = self.token("ci", "--role", "viewer")
        self.assertEqual(os.stat(self.dir + "/users").st_mode & 0o777, 0o600)
        with self.web("--auth-file", "users") as url:
            self.assertEqual(self.ask(url + "/api/v1/overview")[0], 401)
            self.assertEqual(self.ask(url + "/api/v1/overview", Authorization="Bearer " + token)[0], 200)
            self.assertEqual(self.ask(url + "/api/v1/queues/celery/purge", {}, Authorization="Bearer " + token)[0], 403)
            self.assertEqual(self.ask(url + "/api/v1/session", {"user": "ann", "password": "wrong"})[0], 401)
            status, headers, text = self.ask(url + "/api/v1/session", {"user": "ann", "password": "a long password"})
            self.assertEqual(status, 200)
            cookie, csrf = headers["Set-Cookie"].split(";")[0], json.loads(text)["csrf"]
            self.assertEqual(self.ask(url + "/api/v1/queues/celery/purge", {}, Cookie=cookie)[0], 403)
            self.assertEqual(self.ask(url + "/api/v1/queues/celery/purge", {}, Cookie=cookie, X_CSRF_Token=csrf)[0], 200)
            audit = json.loads(self.ask(url + "/api/v1/audit", Cookie=cookie)[2])["entries"]
            self.assertEqual((audit[0]["user"], audit[0]["outcome"]), ("ann", "done"))
            self.ask(url + "/api/v1/session", {}, method="DELETE", Cookie=cookie, X_CSRF_Token=csrf)
            self.assertEqual(self.ask(url + "/api/v1/overview", Cookie=cookie)[0], 401)

    @once
    def test_a_short_password_is_refused(self):
        done = subprocess.run([PROGRAM, "web", "passwd", "ann"], cwd=self.dir, env=self.env, input="short\n", text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("8 characters", done.stderr)

    @once
    def test_pages_of_a_folder_are_served(self):
        os.makedirs(self.dir + "/pages/assets")
        for name, text in (("index.html", "<title>page</title>"), ("assets/a-0123ABCD.js", "1")):
            with open(f"{self.dir}/pages/{name}", "w") as f:
                f.write(text)
        with self.web("--assets", "pages") as url:
            self.assertIn("<title>page", self.ask(url + "/tasks/any-id")[2])
            self.assertIn("immutable", self.ask(url + "/assets/a-0123ABCD.js")[1]["Cache-Control"])

    def test_the_stream_greets_and_goes_on(self):
        with self.web() as url, urllib.request.urlopen(url + "/api/v1/live", timeout=20) as stream:
            kinds = []
            while kinds.count("overview") < 3:
                line = stream.readline().decode()
                if line.startswith("event: "):
                    kinds.append(line[len("event: ") :].strip())
            self.assertEqual(kinds[0], "hello")

    def test_tasks_their_texts_and_workers_are_known_after_a_restart(self):
        def get(url, path):
            status, _, text = self.ask(url + path)
            self.assertEqual(status, 200, text)
            return json.loads(text)

        def one(url, question):
            return [(t["id"], t["state"]) for t in get(url, "/api/v1/tasks?" + question)["tasks"]]

        with self.web() as url:
            with self.worker("-E", "-n", "short@lived"):
                self.wait_for(lambda: any(w["state"] == "online" for w in get(url, "/api/v1/workers")["workers"]))
                good = self.lovage("call", "cli.add", "41217", "1").stdout.strip()
                bad = self.lovage("call", "cli.refuse", "no such order").stdout.strip()
                self.wait_for(lambda: one(url, "q=41218") and one(url, "state=FAILURE"))
            self.wait_for(lambda: get(url, "/api/v1/workers")["workers"][0]["state"] == "offline")
        with self.web() as url:
            self.assertEqual(one(url, "q=41217"), [(good, "SUCCESS")])
            self.assertEqual(one(url, "q=41218"), [(good, "SUCCESS")])
            self.assertEqual(one(url, "state=FAILURE&q=order"), [(bad, "FAILURE")])
            steps = [s["what"] for s in get(url, "/api/v1/tasks/" + good)["timeline"]]
            self.assertEqual(steps[-3:], ["received", "started", "succeeded"])
            workers = get(url, "/api/v1/workers")["workers"]
            self.assertEqual([(w["name"], w["state"]) for w in workers], [("short@lived", "offline")])


if __name__ == "__main__":
    unittest.main()
