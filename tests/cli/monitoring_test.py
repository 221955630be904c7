"""What a worker shows of itself: hooks of its plug-in, and its page for Prometheus."""
import os
import re
import unittest
import urllib.request

from cli_case import Case, read


class MonitoringTest(Case):
    def log(self):
        return read(os.path.join(self.dir, "worker.log"))

    def test_hooks_of_a_plug_in_run_in_the_worker_and_in_its_children(self):
        said = os.path.join(self.dir, "said")
        with self.worker("-P", "prefork", "-c", "1", CLI_HOOKS=said):
            for _ in range(2):
                self.assertIn("5", self.lovage("call", "cli.add", "2", "3", "--wait", "20").stdout)
            self.lovage("call", "cli.refuse", "no", "--wait", "20", code=1)
        body = ["prerun cli.add", "around", "postrun SUCCESS"]
        self.assertEqual(
            read(said).split("\n")[:-1],
            ["init", "ready", "process", *body, *body, "prerun cli.refuse", "around", "postrun FAILURE", "shutdown"],
        )
        self.assertEqual(self.log().count("the hook task_success threw std::runtime_error: a hook's own"), 2)

    def test_metrics_have_flowers_names(self):
        with self.worker("-P", "threads", "--", "worker_health_port=0") as worker:
            url = re.search(r"health checks at (http://\S+)", self.log()).group(1)
            self.lovage("call", "cli.add", "2", "3", "--wait", "20")

            def page():
                with urllib.request.urlopen(url + "/metrics", timeout=10) as answer:
                    return answer.read().decode()

            def counted(kind):
                return re.search(rf'flower_events_total{{task="cli.add",worker="[^"]+",type="{kind}"}} 1\n', page())

            self.wait_for(lambda: counted("task-succeeded"), worker)
            self.assertTrue(counted("task-received") and counted("task-started"))
            self.assertRegex(page(), r'flower_worker_online{worker="celery@[^"]+"} 1\n')
            self.assertRegex(page(), r'flower_task_runtime_seconds_count{task="cli.add",worker="[^"]+"} 1\n')


if __name__ == "__main__":
    unittest.main()
