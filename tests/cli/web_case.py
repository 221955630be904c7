"""A dashboard, and what asks it."""
import contextlib
import json
import re
import signal
import subprocess
import urllib.error
import urllib.request

from cli_case import PROGRAM, Case


class WebCase(Case):
    @contextlib.contextmanager
    def web(self, *args, **env):
        """A dashboard on a free port while the block runs; gives its address."""
        web = subprocess.Popen([PROGRAM, "web", "--port", "0", *args], cwd=self.dir, env={**self.env, **env},
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            for line in web.stderr:
                if found := re.search(r"address -> (\S+)", line):
                    yield found[1]
                    break
            else:
                self.fail(f"lovage web ended with {web.wait()}")
            web.send_signal(signal.SIGTERM)
            web.communicate(timeout=30)
            self.assertEqual(web.returncode, 0)
        finally:
            if web.poll() is None:
                web.kill()
                web.communicate()

    def ask(self, url, body=None, method=None, **headers):
        """Status, headers and text."""
        data = None if body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        if data is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data=data, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read().decode()

    def get(self, url):
        status, _, text = self.ask(url)
        self.assertEqual(status, 200, text)
        return json.loads(text)
