"""Every command of the program, as a user types it. Needs LOVAGE_PROGRAM and LOVAGE_PLUGIN in the environment."""
import json
import os
import shutil
import subprocess
import unittest

from cli_case import PLUGIN, PROGRAM, Case, brokers, once, read

# What a message to nowhere is answered with; and what `queues` shows of two tasks, one of them for later, while no
# worker has looked at them: Redis keeps both in one list, and RabbitMQ does not tell how many are delayed or held.
NO_BINDING = "no queue is bound to exchange 'media' with routing key 'x'"  # said by lovage, before it sends
NOWHERE = {"sqlite": NO_BINDING, "postgres": NO_BINDING,
           "redis": "no queue takes a message to exchange 'media' with key 'x'",
           "rabbitmq": "no queue takes it: RabbitMQ returned it, NO_ROUTE (exchange 'media', key 'x')"}[brokers.KIND]
WAITING = {"sqlite": (1, 1, 0), "postgres": (1, 1, 0), "redis": (2, 0, 0), "rabbitmq": (1, None, None)}[brokers.KIND]


class CliTest(Case):
    # Help and usage

    @once
    def test_help_teaches_and_version_tells(self):
        self.assertIn("First steps:", self.lovage().stdout)
        self.assertIn("First steps:", self.lovage("--help").stdout)
        self.assertRegex(self.lovage("--version").stdout, r"^lovage \d+\.\d+\.\d+\n$")
        for command in ("worker", "call", "result", "queues", "tasks", "inspect", "control", "status", "report", "completion"):
            out = self.lovage(command, "--help").stdout
            self.assertIn("Examples:", out)
            self.assertIn("--broker", out)

    @once
    def test_wrong_usage_is_one_line_with_a_hint_and_code_2(self):
        wrong = self.lovage("wroker", code=2).stderr
        self.assertEqual(wrong, "lovage: no command 'wroker'; did you mean 'worker'?\nTry 'lovage --help'.\n")
        self.assertIn("did you mean '--queues'?", self.lovage("worker", "--queue=a", code=2).stderr)
        self.assertIn("did you mean 'redrive'?", self.lovage("queues", "redrvie", code=2).stderr)
        self.lovage("call", code=2)
        self.lovage("call", "cli.add", "--args", "5", code=2)
        self.lovage("call", "cli.add", "--oops", code=2)
        self.lovage("call", "cli.add", "--priority", "11", code=2)
        self.lovage("result", code=2)
        self.lovage("tasks", code=2)
        self.lovage("worker", "-l", "loud", code=2)
        self.lovage("worker", "-P", "fibers", code=2)
        self.lovage("report", "--", "x", code=2)

    @once
    def test_errors_are_one_sentence_and_code_1(self):
        err = self.lovage("tasks", "-A", "./none.so", code=1).stderr
        self.assertEqual(err, "lovage: cannot load plug-in './none.so': no such file\n")
        self.assertIn("broker_url", self.lovage("-b", "redsi://x", "queues", code=1).stderr)
        self.assertIn("task_acks_late", self.lovage("worker", "-A", PLUGIN, "--", "task_ack_late=yes", code=1).stderr)

    # Settings

    @once
    def test_options_go_over_the_environment_and_that_over_the_file(self):
        with open(self.dir + "/lovage.toml", "w") as f:
            f.write('broker_url = "sqlite:///file.db"\ntask_default_queue = "fromfile"\n')
        report = self.lovage("report").stdout
        self.assertIn("store.db", report)
        self.assertIn("fromfile", report)
        self.assertIn("option.db", self.lovage("report", "-b", "sqlite:///option.db").stdout)
        self.assertIn("option.db", self.lovage("-b", "sqlite:///option.db", "report").stdout)

    @once
    def test_report_masks_passwords_and_lists_plugins(self):
        out = self.lovage("report", "--all", "-A", PLUGIN, LOVAGE_RESULT_BACKEND="redis://:hunter2@localhost/0").stdout
        self.assertNotIn("hunter2", out)
        self.assertIn("(5 tasks)", out)
        self.assertIn("SQLite 3.", out)
        self.assertIn("worker_concurrency", out)

    @once
    def test_report_masks_passwords_in_lists_and_maps(self):
        out = self.lovage(
            "report", LOVAGE_BROKER_URL="sentinel://:one@a;sentinel://:two@b",
            LOVAGE_BROKER_READ_URL="redis://u:three@h", LOVAGE_BROKER_USE_SSL='{"ssl_keyfile": "/k", "ssl_certfile": "/c"}',
            LOVAGE_BROKER_TRANSPORT_OPTIONS='{"master_name": "m", "sentinel_kwargs": {"password": "four"}}').stdout
        for word in ("one", "two", "three", "four"):
            self.assertNotIn(word, out.split("settings:")[1])
        self.assertIn("broker_url = sentinel://:**@a;sentinel://:**@b ", out)
        self.assertIn('broker_transport_options = {"master_name": "m", "sentinel_kwargs": {"password": "**"}} ', out)
        self.assertIn('broker_use_ssl = {"certfile": "/c", "keyfile": "/k"} ', out)

    def test_queues_and_exchanges_come_from_the_file(self):
        with open(self.dir + "/lovage.toml", "w") as f:
            f.write('[task]\ncreate_missing_queues = false\nroutes = { \'/^cli\\.n/\' = "news" }\n[task.queues.celery]\n'
                    '[task.queues.news]\nexchange = "media"\nexchange_type = "topic"\nrouting_key = "news.#"\n')
        with self.worker():
            self.assertEqual(self.lovage("call", "cli.add", "2", "3", "--exchange", "media", "--routing-key", "news.now",
                                         "--wait", "10").stdout, "5\n")
        self.assertIn(" - .> celery           exchange=celery(direct) key=celery\n", self.banner)
        self.assertIn(" - .> news             exchange=media(topic) key=news.#\n", self.banner)
        refused = self.lovage("call", "cli.add", "2", "3", "--exchange", "media", "--routing-key", "x", code=1).stderr
        self.assertIn(NOWHERE, refused)
        refused = self.lovage("call", "cli.add", "--queue", "a", "--exchange", "b", code=2).stderr
        self.assertIn("--queue or --exchange, not both", refused)
        for command in (["worker", "-Q", "nwes", "-q"], ["call", "cli.add", "2", "3", "--queue", "nwes"]):
            refused = self.lovage(*command, code=1).stderr
            self.assertIn("queue 'nwes' is not in task_queues (celery, news)", refused)
            self.assertEqual(refused.count("\n"), 1, refused)

    def test_warnings_are_told_and_quiet_hides_them(self):
        self.assertIn("LOVAGE_BROKR_URL", self.lovage("queues", LOVAGE_BROKR_URL="x").stderr)
        self.assertEqual(self.lovage("queues", "-q", LOVAGE_BROKR_URL="x").stderr, "")

    # Tasks, calls, results

    @once
    def test_tasks_lists_names_parameters_and_limits(self):
        out = self.lovage("tasks", "-A", PLUGIN).stdout
        self.assertIn("cli.add(x: int, y: int) -> int", out)
        tasks = {t["name"]: t for t in json.loads(self.lovage("-A", PLUGIN, "tasks", "--json").stdout)}
        self.assertEqual(sorted(tasks), ["cli.add", "cli.echo", "cli.refuse", "cli.total", "cli.until"])
        self.assertEqual(tasks["cli.refuse"]["options"]["max_retries"], 2)

    def test_a_task_is_called_run_and_answered(self):
        with self.worker("-P", "threads", "-c", "2"):
            wait = ("--wait", "20")
            self.assertEqual(self.lovage("call", "cli.add", "2", "-3", *wait).stdout, "-1\n")
            self.assertEqual(self.lovage("call", "cli.total", "[1,2,3]", *wait).stdout, "6\n")
            self.assertEqual(self.lovage("call", "cli.echo", "result", *wait).stdout, '"result"\n')
            self.assertEqual(self.lovage("call", "cli.echo", *wait, "--", "--dash").stdout, '"--dash"\n')
            self.assertEqual(self.lovage("call", "cli.add", "--args", "[2, 3]", *wait).stdout, "5\n")
            self.assertEqual(self.lovage("call", "cli.add", "2", "--kwargs", '{"y": 5}', *wait).stdout, "7\n")
            self.assertEqual(self.lovage("call", "cli.add", "1", "1", "--wait").stdout, "2\n")
            failed = self.lovage("call", "cli.refuse", "no", *wait, code=1)
            self.assertIn("no", failed.stderr)
            self.lovage("call", "cli.add", "1", "2", "--id", "mine")
            self.assertIn("state:   SUCCESS\nresult:  3\n", self.lovage("result", "mine", *wait).stdout)
            self.assertEqual(json.loads(self.lovage("result", "mine", "--json", "--forget").stdout)["result"], 3)
            self.assertIn("PENDING", self.lovage("result", "mine", code=3).stdout)
            self.lovage("call", "cli.refuse", "never", "--id", "bad")
            self.assertIn("never", self.lovage("result", "bad", "--traceback", *wait, code=1).stdout)
        self.assertIn("[tasks]", self.banner)
        log = read(self.dir + "/worker.log")
        self.assertRegex(log, r"(?m)^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: INFO/MainProcess\] Task cli\.add\[mine\] received$")

    def test_what_is_not_there_yet_is_code_3(self):
        self.lovage("call", "cli.add", "1", "2", "--wait", "0.1", code=3)
        self.lovage("call", "cli.add", "1", "2", "--countdown", "600")
        self.lovage("result", "unknown", code=3)
        queues = json.loads(self.lovage("queues", "--json").stdout)
        ready, delayed, claimed = WAITING
        self.assertEqual(queues, [{"name": "celery", "paused": False, "ready": ready, "delayed": delayed, "claimed": claimed,
                                   "dead": 0}])

    def test_the_log_can_be_json_and_is_reopened(self):
        log = self.dir + "/worker.log"
        with self.worker("-P", "solo", "--log-format", "json", "-q", "--", "worker.prefetch_multiplier=1"):
            self.lovage("call", "cli.add", "1", "2", "--wait", "20")
            os.rename(log, log + ".1")
            self.lovage("call", "cli.add", "1", "2", "--id", "second", "--wait", "20")
            self.wait_for(lambda: "succeeded" in read(log))
        self.assertEqual(self.banner, "")
        lines = [json.loads(line) for path in (log + ".1", log) for line in read(path).splitlines()]
        done = [line for line in lines if line.get("task_id") == "second" and "succeeded" in line["message"]]
        self.assertEqual([(d["level"], d["task_name"]) for d in done], [("INFO", "cli.add")])
        self.assertIsInstance(done[0]["runtime"], float)

    def test_prefork_children_run_tasks_and_nothing_is_told_twice(self):
        with self.worker("-P", "processes", "-c", "2"):
            self.assertEqual(self.lovage("call", "cli.add", "2", "3", "--wait", "20").stdout, "5\n")
        self.assertIn("concurrency: 2 (prefork)", self.banner)
        self.assertEqual(self.banner.count("[tasks]"), 1)

    def test_the_banner_shows_the_bounds_of_a_pool_that_scales_itself(self):
        with self.worker("-P", "threads", "--autoscale=4,1"):
            pass
        self.assertIn("concurrency: {min=1, max=4} (threads)", self.banner)

    # Queues and the dead set

    def test_queues_tables_and_purge(self):
        if brokers.KIND == "sqlite":  # others show those of the settings in any case
            self.assertEqual(self.lovage("queues").stdout, "no queues yet\n")
        for _ in range(3):
            self.lovage("call", "cli.add", "1", "2", "--queue", "slow")
        if brokers.KIND != "rabbitmq":  # which does not say what queues there are
            self.assertRegex(self.lovage("queues", "list").stdout, r"(?m)^slow +3 +0 +0 +0$")
        self.assertIn("--force", self.lovage("queues", "purge", "slow", code=2).stderr)
        self.assertEqual(self.lovage("queues", "purge", "slow", "--force").stdout, "3 messages removed\n")

    def test_dead_messages_are_shown_redriven_and_purged(self):
        self.assertEqual(self.lovage("queues", "dead").stdout, "no dead messages\n")
        with self.worker("-P", "solo"):
            self.lovage("call", "cli.missing", "tea", "--id", "lost")
            self.lovage("call", "cli.missing", "milk")
            self.wait_for(lambda: len(self.dead()) == 2)
        first = self.dead()[0]
        self.assertEqual((first["task"], first["task_id"], first["queue"]), ("cli.missing", "lost", "celery"))
        table = self.lovage("queues", "dead", "celery", "--limit", "1").stdout.splitlines()
        self.assertEqual(len(table), 2)
        shown = self.lovage("queues", "show", str(first["id"])).stdout
        self.assertIn("tea", shown)
        self.assertIn("task id:   lost", shown)
        self.lovage("queues", "show", "99999", code=1)
        self.lovage("queues", "redrive", code=2)
        self.assertEqual(self.lovage("queues", "redrive", "--id", str(first["id"])).stdout,
                         "1 message is back in the queue\n")
        self.lovage("queues", "purge-dead", "--all", code=2)
        self.assertEqual(self.lovage("queues", "purge-dead", "--all", "-f").stdout, "1 message removed\n")
        self.assertEqual(self.dead(), [])

    def dead(self):
        return json.loads(self.lovage("queues", "dead", "--json").stdout)

    # Remote control

    def test_workers_are_asked_and_told(self):
        nobody = self.lovage("status", "-t", "0.2", code=69)
        self.assertEqual(nobody.stderr, "Error: No nodes replied within time constraint\n")
        with self.worker("-P", "solo", "-n", "w1@here", log="w1.log"), self.worker("-P", "solo", "-n", "w2@here", log="w2.log"):
            status = self.lovage("status").stdout
            self.assertEqual(sorted(status.splitlines()), ["", "->  w1@here: OK", "->  w2@here: OK", "2 nodes online."])
            self.assertEqual(sorted(json.loads(self.lovage("status", "-j").stdout)), ["w1@here", "w2@here"])
            one = ("-d", "w1@here")
            self.assertEqual(self.lovage("inspect", "ping", *one).stdout,
                             "->  w1@here: OK\n        pong\n\n1 node online.\n")
            self.assertEqual(self.lovage("inspect", *one, "-q", "active").stdout, " w1@here: OK\n    - empty -\n")
            tasks = self.lovage("inspect", "registered", "max_retries", *one).stdout
            self.assertIn("    * cli.add [max_retries=3]\n", tasks)
            self.assertIn("    * cli.refuse [max_retries=2]\n", tasks)
            conf = json.loads(self.lovage("inspect", "conf", "true", "-j", *one).stdout)["w1@here"]
            self.assertEqual((conf["worker_pool"], conf["task_serializer"]), ("solo", "json"))
            said = json.loads(self.lovage("control", "autoscale", "4", "1", "--json", *one).stdout)
            self.assertEqual(said, [{"w1@here": {"error": "ValueError('Autoscale not enabled')"}}])
            self.lovage("inspect", "ping", "-d", "none@here", "-t", "0.2", code=69)
            self.lovage("inspect", "ping", "-t", "0", code=2)

    def test_what_is_revoked_while_no_worker_is_there_is_not_run(self):
        ids = [self.lovage("call", "cli.add", "2", "3", "--stamp", stamp, "--stamp", "tenant=acme").stdout.strip()
               for stamp in ("order=7", "order=8", "order=9")]
        self.lovage("call", "cli.add", "2", "3", "--stamp", "order", code=2)
        said = self.lovage("control", "revoke_by_stamped_headers", "order=7", "-t", "0.2").stderr
        self.assertEqual(said, "No worker replied. The broker tells those that come.\n")
        self.lovage("control", "revoke", ids[1], "-t", "0.2")
        self.lovage("control", "revoke", ids[2], "-d", "somebody@else", "-t", "0.2", code=69)
        with self.worker("-P", "solo"):
            self.assertIn("result:  5\n", self.lovage("result", ids[2], "--wait", "20").stdout)
            for revoked in ids[:2]:
                self.assertIn("REVOKED", self.lovage("result", revoked, "--wait", "20", "--json", code=1).stdout)

    def test_what_a_listening_worker_was_told_to_revoke_is_known_to_those_that_come_later(self):
        with self.worker("-P", "solo", "-n", "w1@here"):
            self.lovage("control", "revoke", "mine")
            self.lovage("control", "revoke_by_stamped_headers", "tenant=7")
        self.lovage("call", "cli.add", "1", "2", "--id", "mine")
        with self.worker("-P", "solo", "-n", "w2@here", log="later.log"):
            self.assertIn("REVOKED", self.lovage("result", "mine", "--wait", "20", code=1).stdout)

    def test_a_plugins_own_command_is_run(self):
        with self.worker("-P", "solo", "-n", "w1@here"):
            told = self.lovage("control", "-A", PLUGIN, "cli_greet", "name=Ann", "-d", "w1@here").stdout
            self.assertEqual(told, "->  w1@here: OK\n        hello Ann\n")
            told = self.lovage("control", "-A", PLUGIN, "cli_greet", "-d", "w1@here").stdout
            self.assertEqual(told, "->  w1@here: ERROR\n        std::invalid_argument: whom?\n")
            self.assertIn("not recognized", self.lovage("control", "cli_greet", code=2).stderr)

    def test_a_worker_ends_when_it_is_told_and_is_deaf_when_that_is_set(self):
        with self.worker("-P", "solo", "--", "worker.enable_remote_control=no"):
            self.lovage("status", "-t", "0.2", code=69)
        log = self.dir + "/told.log"
        worker = subprocess.Popen([PROGRAM, "worker", "-A", PLUGIN, "-P", "solo", "-q", "-l", "info", "-f", log],
                                  cwd=self.dir, env=self.env, stderr=subprocess.PIPE, text=True)
        self.addCleanup(worker.communicate)
        self.addCleanup(worker.kill)
        self.wait_for(lambda: "ready." in read(log), worker)
        self.assertEqual(self.lovage("control", "shutdown").stdout, "")
        self.assertEqual(worker.wait(20), 0)
        self.assertIn("Got shutdown from remote", read(log))

    @once
    def test_wrong_commands_and_arguments_of_remote_control_are_told(self):
        wrong = self.lovage("inspect", "actve", code=2).stderr
        self.assertIn("Command actve not recognized. Available inspect commands: active, active_queues", wrong)
        self.assertIn("which command?", self.lovage("control", code=2).stderr)
        said = self.lovage("control", "rate_limit", "cli.add", code=2).stderr
        self.assertIn("missing argument 'rate_limit'; usage: lovage control rate_limit <task_name>", said)
        self.assertIn("missing argument 'soft'", self.lovage("control", "time_limit", "cli.add", code=2).stderr)
        self.assertIn("missing argument 'task_id'", self.lovage("control", "terminate", "TERM", code=2).stderr)
        self.assertIn("missing argument 'ids'", self.lovage("inspect", "query_task", code=2).stderr)
        self.assertIn("takes arguments", self.lovage("control", "cancel_consumer", "a", "b", code=2).stderr)
        self.assertIn("n is a whole number", self.lovage("control", "pool_grow", "many", code=2).stderr)
        self.assertIn("rate_limit <task_name> <rate_limit", self.lovage("control", "--list").stdout)

    # Completion

    @once
    def test_completion_scripts_are_accepted_by_their_shells(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.lovage("completion", shell).stdout
            self.assertIn("purge-dead", script)
            if shutil.which(shell):
                subprocess.run([shell, "-n"], input=script, text=True, check=True)
        self.lovage("completion", "csh", code=2)

    @once
    def test_bash_completes_commands_and_options(self):
        script = self.lovage("completion", "bash").stdout
        for line, expected in (("lovage wo", "worker"), ("lovage queues pur", "purge-dead purge"), ("lovage inspect reg", "registered"),
                               ("lovage control pool_s", "pool_shrink"),
                               ("lovage -b x worker --prefetch", "--prefetch-multiplier"),
                               ("lovage completion z", "zsh")):
            ask = f'{script}\nCOMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _lovage; echo "${{COMPREPLY[*]}}"'
            done = subprocess.run(["bash", "-c", ask], text=True, capture_output=True, check=True)
            self.assertEqual(done.stdout.strip(), expected)


if __name__ == "__main__":
    unittest.main(verbosity=2)
