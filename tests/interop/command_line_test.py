"""The program as a shell sees it: exit statuses, what goes to stdout and stderr, signals."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest

import zmq

from harness import BRIDGE, DEADLINE, KEYS, Bridge, Exchange, clean_environment


def run(*arguments, environment=None):
    """Runs the program to its end."""
    return subprocess.run([BRIDGE, *arguments], env=environment or clean_environment(), text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)


def with_file(text):
    file = tempfile.NamedTemporaryFile("w", suffix=".json")
    file.write(text)
    file.flush()
    return file


class CommandLineTest(unittest.TestCase):
    def test_help_and_version_are_no_failure(self):
        for arguments in (["--help"], ["--version"], ["tail", "--help"], ["check", "--help"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 0, arguments)
            self.assertTrue(done.stdout.strip(), arguments)

    def test_a_wrong_command_line_is_a_wrong_configuration(self):
        for arguments in (["--bogus"], ["dance"], ["tail", "--count", "0"],
                          ["tail", "--format", "xml"], ["run", "check"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
            self.assertTrue(done.stderr.strip(), arguments)

    def test_all_problems_come_at_once_one_a_line(self):
        with with_file('{"upstream":{"window_ms":0,"stream":[]},"log":{"level":"loud"}}') as file:
            for command in ([], ["run"], ["check"]):
                done = run(*command, "--config", file.name)
                self.assertEqual(done.returncode, 2)
                lines = done.stderr.splitlines()
                self.assertEqual(len(lines), 4, done.stderr)
                for line in lines:
                    self.assertRegex(line, r"^config: \S+: .+; .+$")

    def test_values_that_json_cannot_hold_are_problems_of_the_configuration(self):
        for text in ('{"upstream":{"window_ms":1e999}}', '{"upstream":', "[]", "", '{"a\\u001bb\\nc":1}'):
            with with_file(text) as file:
                done = run("check", "--stream", "trade.A", "--config", file.name)
                self.assertEqual(done.returncode, 2, text)
                self.assertRegex(done.stderr, r"^config: ", text)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertNotIn("\x1b", done.stderr)

    def test_a_trust_anchor_that_is_none_is_a_problem_of_the_configuration(self):
        with with_file("no certificate") as file:
            done = run("check", "--stream", "trade.A",
                       environment=clean_environment(BRIDGE_UPSTREAM__CA_FILE=file.name))
        self.assertEqual(done.returncode, 2)
        self.assertIn("config: upstream.ca_file: ", done.stderr)

    def test_check_prints_a_configuration_that_it_accepts_and_no_secret(self):
        environment = clean_environment(**KEYS, BRIDGE_PUBLISH__PRIVATE__BIND="ipc:///tmp/private")
        done = run("check", "--stream", "trade.A", "--stream", "account.orderUpdate",
                   environment=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["upstream"]["streams"],
                         ["trade.A", "account.orderUpdate"])
        self.assertNotIn(KEYS["BACKPACK_SECRET_KEY"], done.stdout + done.stderr)
        with with_file(done.stdout) as file:
            again = run("check", "--config", file.name, environment=clean_environment(**KEYS))
        self.assertEqual(again.stdout, done.stdout)

    def test_a_port_that_is_taken_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            done = run("--stream", "trade.A",
                       environment=clean_environment(BRIDGE_PUBLISH__PUBLIC__BIND=endpoint))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"publish.public.bind: cannot bind {endpoint}", done.stderr)

    def test_keygen_prints_a_pair_that_belongs_together(self):
        done = run("keygen")
        self.assertEqual(done.returncode, 0)
        keys = dict(line.split() for line in done.stdout.splitlines())
        self.assertEqual(zmq.curve_public(keys["secret_key"].encode()),
                         keys["public_key"].encode())

    def test_tail_takes_topics_before_and_behind_its_options(self):
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge:
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            exchange.rate(500)
            for arguments in (["trade.SOL_USDC", "--connect", bridge.public, "--count", "2"],
                              ["--count", "2", "--connect", bridge.public, "trade.SOL_USDC"]):
                done = run("tail", *arguments)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(len(done.stdout.splitlines()), 2)

    def test_tail_explains_silence(self):
        process = subprocess.Popen([BRIDGE, "tail", "--count", "1", "--connect", "ipc:///tmp/nobody"],
                                   env=clean_environment(), text=True, stderr=subprocess.PIPE)
        self.assertIn("not even heartbeats", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(DEADLINE), 1, "the message did not come")
        process.stderr.close()

    def test_either_signal_ends_the_bridge_in_order(self):
        for sign in (signal.SIGTERM, signal.SIGINT):
            with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge:
                bridge.wait_for_line("connected")
                self.assertEqual(bridge.stop(sign), 0)
                self.assertRegex(bridge.lines[-1], r"INFO  stopped$")

    def test_the_bridge_ends_whenever_it_is_asked_to(self):
        # While nothing answers, with heartbeats so dense that one is often due at that moment.
        for attempt in range(40):
            process = subprocess.Popen(
                [BRIDGE, "--stream", "trade.A"], stderr=subprocess.PIPE, text=True,
                env=clean_environment(BRIDGE_UPSTREAM__URL="ws://127.0.0.1:1",
                                      BRIDGE_PUBLISH__PUBLIC__BIND="tcp://127.0.0.1:*",
                                      BRIDGE_PUBLISH__HEARTBEAT_MS="10"))
            while "connect failed" not in process.stderr.readline():
                pass
            process.terminate()
            self.assertEqual(process.wait(DEADLINE), 0, f"attempt {attempt}")
            process.stderr.close()

    def test_a_log_that_nobody_reads_neither_stops_the_bridge_nor_keeps_it_from_ending(self):
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        try:
            while True:
                os.write(write_end, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(write_end, True)
        with Exchange() as exchange:
            process = subprocess.Popen(
                [BRIDGE, "--stream", "trade.SOL_USDC"], stderr=write_end,
                env=clean_environment(BRIDGE_UPSTREAM__URL=exchange.url,
                                      BRIDGE_UPSTREAM__CA_FILE=exchange.ca_file,
                                      BRIDGE_PUBLISH__PUBLIC__BIND="tcp://127.0.0.1:*"))
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            os.close(write_end)
            process.terminate()
            self.assertEqual(process.wait(DEADLINE), 0)
        os.close(read_end)

    def test_a_log_reader_that_ends_does_not_end_the_bridge(self):
        read_end, write_end = os.pipe()
        with Exchange() as exchange:
            process = subprocess.Popen(
                [BRIDGE, "--stream", "trade.SOL_USDC"], stderr=write_end,
                env=clean_environment(BRIDGE_UPSTREAM__URL=exchange.url,
                                      BRIDGE_UPSTREAM__CA_FILE=exchange.ca_file,
                                      BRIDGE_PUBLISH__PUBLIC__BIND="tcp://127.0.0.1:*"))
            os.close(write_end)
            os.close(read_end)
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            process.terminate()
            self.assertEqual(process.wait(DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()
