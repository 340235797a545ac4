"""The program as a shell sees it: exit statuses, what goes to stdout and stderr, signals."""

import collections
import contextlib
import errno
import fcntl
import itertools
import json
import os
import pathlib
import pty
import re
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest

import zmq

from harness import (BRIDGE, DEADLINE, KEYS, MORTAL, ROOT, Bridge, Exchange, Program, clean_environment,
                     wait_until)


def opened_once_read(fifo):
    """Where to write to the FIFO; None as long as nobody reads it."""
    try:
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as why:
        if why.errno != errno.ENXIO:
            raise
        return None


def run(*arguments, environment=None, deadline=DEADLINE):
    """Runs the program to its end."""
    return subprocess.run([BRIDGE, *arguments], env=environment or clean_environment(), text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=deadline)


UP = "\x1b[10A"  # by a ladder's height
TURNS = 20  # of what a tail that was kept from reading in time may do otherwise


class Terminal:
    """A program at a terminal of its own, and all that it has written there."""

    def __init__(self, command, rows, columns):
        self.text = ""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        # Ctrl+C goes to the process group that has the terminal: to one of its own.
        self._process = subprocess.Popen(
            [*MORTAL, "setsid", "--ctty", "--wait", *command], stdin=slave, stdout=slave, stderr=slave,
            env=clean_environment())
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
            while piece := os.read(self._master, 65536):
                self.text += piece.decode().replace("\r\n", "\n")

    def ladder(self):
        """What was drawn last, without what moves the cursor."""
        drawn = re.findall(r"depth\.SOL_USDC  update [^J]*\x1b\[J", self.text)
        return re.sub(r"\x1b\[\d*[A-Z]", "", drawn[-1]) if drawn else ""

    def type_interrupt(self):
        os.write(self._master, b"\x03")

    def wait(self):
        return self._process.wait(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._reader.join(DEADLINE)
        os.close(self._master)


def with_file(text):
    file = tempfile.NamedTemporaryFile("w", suffix=".json")
    file.write(text)
    file.flush()
    return file


class Sayer:
    """A bridge that says what it is told, to one consumer, of which it drops nothing."""

    def __init__(self):
        self._socket = zmq.Context.instance().socket(zmq.XPUB)
        self._socket.linger = self._socket.sndhwm = 0
        self._socket.rcvtimeo = int(DEADLINE * 1000)
        self._said = collections.Counter()
        self.endpoint = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"

    def wait_for_tail(self):
        """Until its subscriptions are in force."""
        while self._socket.recv() != b"\1bridge.status":  # its last
            pass

    def take_requests(self, kind):
        """The topics of those that have come since the last time, oldest first."""
        requests = []
        while self._socket.poll(10):
            if (subscription := self._socket.recv()).startswith(b"\1bridge." + kind + b"/"):
                requests.append(subscription[1:])
        return requests

    def answer_until(self, is_done, kind, answer):
        """Has `answer` say what belongs under the topic of each request. Who got none for a second asks anew, by
        another topic, and what comes under the old one goes nowhere."""
        def turn():
            for topic in self.take_requests(kind):
                answer(topic)
            return is_done()
        wait_until(turn, "a tail that has its answer", every=0)

    def say(self, payload, topic=b"trade.A", header=None):
        self._said[topic] += 1
        if header is None:
            header = struct.pack("<BBHIQQqqq", 1, 48, 0, 1, 7, self._said[topic], 1, 0, 1)
        self._socket.send_multipart([topic, payload, header])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


class CommandLineTest(unittest.TestCase):
    def test_help_and_version_are_no_failure(self):
        for arguments in (["--help"], ["--version"], ["tail", "--help"], ["check", "--help"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 0, arguments)
            self.assertTrue(done.stdout.strip(), arguments)
            self.assertNotRegex(done.stdout, r"[\x00-\x09\x0b-\x1f]", arguments)

    def test_the_version_is_the_projects(self):
        version = re.search(r"project\(\S+\s+VERSION (\S+)",
                            (ROOT / "CMakeLists.txt").read_text())[1]
        self.assertEqual(run("--version").stdout, f"backpack-bridge {version}\n")

    def test_a_wrong_command_line_is_a_wrong_configuration(self):
        for arguments in (["--bogus"], ["dance"], ["tail", "--count", "0"],
                          ["tail", "--format", "xml"], ["tail", "--format", "0"], ["tail", "--format", "1"], ["tail", "--count", "9" * 30],
                          ["tail", "--connect", "tcp://127.0.0.1"], ["tail", "--connect", "tcp://127.0.0.1:*"],
                          ["tail", "--connect", "udp://127.0.0.1:1"], ["tail", "--connect", "tcp://my bridge:1"],
                          ["tail", "--connect", "tcp://[zz]:1"], ["tail", "--connect", "ipc://*"], ["run", "check"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
            self.assertTrue(done.stderr.strip(), arguments)

    def test_a_key_is_no_stream_wherever_one_belongs_but_a_long_symbol_is(self):
        key = KEYS["BACKPACK_SECRET_KEY"]
        for group, name in (("upstream", "streams"), ("publish", "books")):
            variable = f"BRIDGE_{group.upper()}__{name.upper()}"
            done = run("check", environment=clean_environment(**{"BRIDGE_UPSTREAM__STREAMS": "depth.A", variable: key}))
            self.assertEqual(done.returncode, 2, variable)
            self.assertEqual(done.stderr.count(f"{group}.{name}[0]"), 1, done.stderr)
            self.assertNotIn(key, done.stderr)
        done = run("check", environment=clean_environment(BRIDGE_UPSTREAM__ON_DEMAND__ALLOW=key,
                                                          BRIDGE_UPSTREAM__ON_DEMAND__ENABLED="true"))
        self.assertIn("upstream.on_demand.allow[0]: looks like a key", done.stderr)
        self.assertEqual(run("check", "--stream", f"ticker.{'Argentina-2026_' * 4}WINS").returncode, 0)

    def test_what_is_quoted_of_a_command_line_steers_no_terminal(self):
        steering = "\x1b[31m\u009b\u202e"
        for arguments in ([f"--bogus{steering}"], [f"dance{steering}"], ["tail", "--format", steering],
                          ["tail", "--connect", f"tcp://{steering}:1"], ["check", "--stream", f"trade.{steering}"],
                          ["check", "--config", f"/{steering}"], ["healthcheck", "--url", steering]):
            done = run(*arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertNotRegex(done.stderr, "[\x1b\u009b\u202e]", arguments)
        with Exchange() as exchange:
            done = run("--stream", "trade.A", environment=exchange.environment(
                BRIDGE_PUBLISH__PUBLIC__BIND="ipc:///no/such/\u202e\u009bfolder/socket"))
        self.assertEqual(done.returncode, 1)
        self.assertNotRegex(done.stderr, "[\u009b\u202e]")

    def test_what_cannot_be_written_is_a_failure(self):
        for command in (["check", "--stream", "trade.A"], ["keygen"], ["--help"]):
            for redirection in ("> /dev/full", ">&-"):
                done = subprocess.run(["sh", "-c", f'"$@" {redirection}', "sh", BRIDGE, *command], text=True,
                                      stderr=subprocess.PIPE, env=clean_environment(), timeout=DEADLINE)
                self.assertEqual(done.returncode, 1, (command, redirection))
                self.assertIn("cannot write to standard output", done.stderr)

    def test_a_pipe_that_nobody_reads_is_a_failure_where_its_signal_is_ignored(self):
        for command in (["check", "--stream", "trade.A"], ["keygen"], ["--help"]):
            read_end, write_end = os.pipe()
            os.close(read_end)
            done = subprocess.run([BRIDGE, *command], text=True, stdout=write_end, stderr=subprocess.PIPE,
                                  env=clean_environment(), timeout=DEADLINE,
                                  restore_signals=False)  # SIGPIPE, which Python ignores
            os.close(write_end)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn("cannot write to standard output", done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "whose descriptors these are is root's to see")
    def test_nothing_takes_the_place_of_a_standard_stream_that_is_closed(self):
        with Exchange() as exchange:
            process = subprocess.Popen(
                [*MORTAL, "sh", "-c", 'exec "$0" --stream trade.SOL_USDC <&- >&- 2>&-', BRIDGE],
                env=exchange.environment(BRIDGE_LOG__LEVEL="trace"))
            try:
                exchange.wait_for_subscriptions(["trade.SOL_USDC"])
                self.assertEqual([os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)],
                                 ["/dev/null"] * 3)
            finally:
                process.terminate()
                self.assertEqual(process.wait(DEADLINE), 0)

    def test_a_log_file_that_may_not_grow_does_not_end_the_bridge(self):
        limit = 4096
        with Exchange() as exchange, tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [*MORTAL, "prlimit", f"--fsize={limit}", BRIDGE, "--stream", "trade.SOL_USDC"], stderr=log,
                env=exchange.environment(BRIDGE_UPSTREAM__BACKOFF_MAX_MS="100"))
            try:
                def is_full_after_another_connection():
                    exchange.fault("drop")
                    return os.fstat(log.fileno()).st_size == limit
                wait_until(is_full_after_another_connection, "a log file at its limit")
                exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            finally:
                process.terminate()
                self.assertEqual(process.wait(DEADLINE), 0)

    def test_tail_says_that_its_file_may_not_grow(self):
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge, \
                tempfile.TemporaryFile() as file:
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            exchange.rate(500)
            done = subprocess.run(["prlimit", "--fsize=4096", BRIDGE, "tail", "--connect", bridge.public],
                                  stdout=file, stderr=subprocess.PIPE, text=True, env=clean_environment(),
                                  timeout=DEADLINE)
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot write to standard output", done.stderr)
            self.assertEqual(os.fstat(file.fileno()).st_size, 4096)

    def test_tail_ends_where_it_cannot_write(self):
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge:
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            exchange.rate(500)
            for redirection in ("> /dev/full", ">&-"):
                done = subprocess.run(["sh", "-c", f'"$@" {redirection}', "sh", BRIDGE, "tail", "--connect",
                                       bridge.public], text=True, stderr=subprocess.PIPE,
                                      env=clean_environment(), timeout=DEADLINE)
                self.assertEqual(done.returncode, 1, redirection)
                self.assertIn("cannot write to standard output", done.stderr)

    def test_a_book_that_cannot_be_written_is_a_failure(self):
        stream = "depth.SOL_USDC"
        with Exchange() as exchange, Bridge(exchange, [stream], BRIDGE_PUBLISH__BOOKS=stream) as bridge:
            exchange.wait_for_subscriptions([stream])
            exchange.rate(500)
            for redirection, form in (("> /dev/full", "pretty"), ("> /dev/full", "raw"), (">&-", "raw")):
                done = subprocess.run(["sh", "-c", f'"$@" {redirection}', "sh", BRIDGE, "tail", "--book", stream,
                                       "--format", form, "--connect", bridge.public], text=True,
                                      stderr=subprocess.PIPE, env=clean_environment(), timeout=DEADLINE)
                self.assertEqual(done.returncode, 1, (redirection, form))
                self.assertIn("cannot write to standard output", done.stderr)

    def test_a_file_that_cannot_be_read_is_one_problem_that_says_why(self):
        with tempfile.TemporaryDirectory() as directory:
            empty = os.path.join(directory, "empty")
            open(empty, "w").close()
            for path, why in (("/no/such/file", "does not exist"), (directory, "is a directory"), (empty, "is empty")):
                done = run("check", "--config", path)
                self.assertEqual(done.returncode, 2)
                self.assertRegex(done.stderr, rf"^config: {path}: {why}; .+\n$")
        done = subprocess.run([BRIDGE, "check", "--config", "-"], input='{"upstream":{"streams":["trade.A"]}}',
                              env=clean_environment(), text=True, capture_output=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "to give files to another user takes root")
    def test_what_this_user_has_no_right_to_is_told_with_its_mend(self):
        another = 65534
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            config = os.path.join(directory, "config.json")
            with open(config, "w") as file:
                file.write("{}")
            os.chmod(config, 0o600)
            for path in (config, directory):
                os.chown(path, another, another)
            # Root as any other user: what is another's is not its own.
            unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--", BRIDGE]
            done = subprocess.run([*unprivileged, "check", "--config", config], env=clean_environment(), text=True,
                                  capture_output=True, timeout=DEADLINE)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, rf"^config: {config}: may not be read by this user; .+\n$")
            with Exchange() as exchange:
                done = subprocess.run(
                    [*unprivileged, "--stream", "trade.A"], text=True, capture_output=True, timeout=DEADLINE,
                    env=exchange.environment(BRIDGE_PUBLISH__PUBLIC__BIND=f"ipc://{directory}/socket"))
            self.assertEqual(done.returncode, 1)
            self.assertIn("a folder that this user may write to", done.stderr)

    def test_a_configuration_may_come_through_a_socket(self):
        ours, its = socket.socketpair()
        with ours, its:
            ours.sendall(b'{"upstream":{"streams":["trade.A"]}}')
            ours.shutdown(socket.SHUT_WR)
            done = subprocess.run([BRIDGE, "check", "--config", "-"], stdin=its, env=clean_environment(), text=True,
                                  capture_output=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_any_number_of_unknown_keys_is_told_of(self):
        count = 100_000
        with with_file(json.dumps({f"stream{i}": 1 for i in range(count)})) as file:
            done = run("check", "--stream", "trade.A", "--config", file.name, deadline=10 * DEADLINE)
        self.assertEqual(len(done.stderr.splitlines()), count)

    def test_options_before_the_command_are_not_dropped_without_a_word(self):
        for arguments in (["--stream", "trade.X", "check", "--stream", "trade.Y"],
                          ["--config", "/dev/null", "check", "--config", "/dev/null"],
                          ["--config", "/dev/null", "healthcheck"], ["--stream", "trade.X", "keygen"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 1 if "healthcheck" in arguments else 2)
            self.assertIn("give the options of a command behind it", done.stderr)
        done = run("--stream", "trade.X", "check", "--log-level", "debug")
        self.assertEqual(json.loads(done.stdout)["upstream"]["streams"], ["trade.X"])

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

    def test_what_the_proxy_is_told_of_the_bridge_is_in_no_output(self):
        for variable in ("BRIDGE_UPSTREAM__PROXY", "HTTPS_PROXY", "https_proxy"):
            for proxy, status in (("http://me:hidden%40word@127.0.0.1:1", 0), ("socks5://me:hidden@h:1", 2),
                                  ("http://me:hidden@127.0.0.1:1:1", 2)):
                done = run("check", "--stream", "trade.A",
                           environment=clean_environment(**{variable: proxy}))
                self.assertEqual(done.returncode, status, (variable, proxy, done.stderr))
                self.assertNotIn("hidden", done.stdout + done.stderr, variable)
                if status == 2:
                    self.assertRegex(done.stderr, r"^config: (upstream\.proxy|HTTPS_PROXY): .+; .+$")

    def test_variables_of_orchestrators_are_warned_of_in_one_line_and_no_error(self):
        foreign = {"BRIDGE_PORT": "tcp://10.0.0.1:5555", "BRIDGE_SERVICE_HOST": "10.0.0.1", "BRIDGE_EMPTY": ""}
        done = run("check", "--stream", "trade.A", environment=clean_environment(**foreign))
        self.assertEqual(done.returncode, 0, done.stderr)
        warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
        self.assertEqual(len(warnings), 1, done.stderr)
        self.assertIn("BRIDGE_PORT, BRIDGE_SERVICE_HOST:", warnings[0])
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"], **foreign) as bridge:
            warning = bridge.wait_for_line("WARN  variables passed over names=(.*) cause=")
            self.assertEqual(warning[1], '"BRIDGE_PORT, BRIDGE_SERVICE_HOST"')

    def test_an_env_file_gives_variables_and_keys_and_the_environment_wins(self):
        text = (f'# as the guide has it\nPUBLIC_KEY="{KEYS["BACKPACK_PUBLIC_KEY"]}"\r\n'
                f"SECRET_KEY='{KEYS['BACKPACK_SECRET_KEY']}'\n"
                "export BRIDGE_UPSTREAM__STREAMS=trade.FILE,account.orderUpdate\n"
                "BRIDGE_PUBLISH__PRIVATE__BIND=tcp://127.0.0.1:5556\nBRIDGE_LOG__LEVEL=debug\n")
        with with_file("\ufeff" + text) as file:
            done = run("check", "--env-file", file.name, environment=clean_environment(BRIDGE_LOG__LEVEL="error"))
        self.assertEqual(done.returncode, 0, done.stderr)
        configuration = json.loads(done.stdout)
        self.assertEqual(configuration["upstream"]["streams"], ["trade.FILE", "account.orderUpdate"])
        self.assertEqual(configuration["log"]["level"], "error")
        self.assertIn("secret key from SECRET_KEY (not shown)", done.stderr)
        self.assertNotIn(KEYS["BACKPACK_SECRET_KEY"], done.stdout + done.stderr)

    def test_a_bridge_signs_with_the_keys_of_an_env_file(self):
        streams = ["account.orderUpdate"]
        with Exchange() as exchange, with_file("".join(
                f"{name.removeprefix('BACKPACK_')}='{key}'\n" for name, key in KEYS.items())) as file:
            environment = exchange.environment(BRIDGE_PUBLISH__PRIVATE__BIND="tcp://127.0.0.1:*")
            with Program([BRIDGE, "--env-file", file.name, "--stream", *streams], environment):
                exchange.wait_for_subscriptions(streams)

    def test_a_faulty_env_file_is_a_problem_of_the_configuration(self):
        with with_file("A=1\nSECRET_KEY\n") as file:
            done = run("check", "--stream", "trade.A", "--env-file", file.name)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, rf"^config: {file.name}:2: .+; .+\n$")
        # What seems to be missing may stand there, the streams and the account's keys among it.
        for arguments in (["--stream", "trade.A"], [], ["--stream", "account.orderUpdate"]):
            done = run("check", "--env-file", "/no/such/file", *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, "^config: /no/such/file: does not exist; .+\n$")

    def test_streams_are_separated_by_commas_and_keep_no_quotation_marks(self):
        done = run("check", "--stream", "trade.A,depth.B", "--stream", "trade.C")
        self.assertEqual(json.loads(done.stdout)["upstream"]["streams"], ["trade.A", "depth.B", "trade.C"])
        for arguments, settings in ((["--stream", '"trade.A,depth.B"'], {}),
                                    ([], {"BRIDGE_UPSTREAM__STREAMS": '"trade.A,depth.B"'}),
                                    ([], {"BRIDGE_UPSTREAM__STREAMS": "trade.A;depth.B"}),
                                    (["--stream", "trade.A;depth.B"], {})):
            done = run("check", *arguments, environment=clean_environment(**settings))
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, "^config: upstream.streams.*quotation mark.*\n$")

    def test_a_port_that_is_taken_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            done = run("--stream", "trade.A",
                       environment=clean_environment(BRIDGE_PUBLISH__PUBLIC__BIND=endpoint,
                                                     BRIDGE_UPSTREAM__URL="ws://127.0.0.1:1",
                                                     BRIDGE_UPSTREAM__REST_URL="http://127.0.0.1:1",
                                                     BRIDGE_HTTP__BIND="127.0.0.1:0"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"publish.public.bind: cannot bind {endpoint}", done.stderr)

    def test_each_endpoint_that_cannot_be_bound_has_its_own_mend(self):
        for variable, endpoint, mend in (
                ("BRIDGE_PUBLISH__PUBLIC__BIND", "tcp://192.0.2.1:5555", "give an address of this machine"),
                ("BRIDGE_PUBLISH__PUBLIC__BIND", "ipc:///no/such/folder/socket", "make its folder first"),
                ("BRIDGE_HTTP__BIND", "192.0.2.1:9464", "give an address of this machine")):
            with Exchange() as exchange:
                done = run("--stream", "trade.A", environment=exchange.environment(**{variable: endpoint}))
            self.assertEqual(done.returncode, 1)
            self.assertIn(mend, done.stderr)

    def test_too_few_files_to_begin_with_are_told_with_their_mend(self):
        with Exchange() as exchange:
            for files in (5, 12, 20, 35):
                done = subprocess.run(
                    ["prlimit", f"--nofile={files}:{files}", BRIDGE, "--stream", "trade.SOL_USDC"], text=True,
                    env=exchange.environment(), capture_output=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)
                self.assertEqual(done.returncode, 1, (files, done.stderr))
                self.assertRegex(done.stderr, f"the limit of {files} file descriptors .*; raise it", files)

    def test_an_http_port_that_is_taken_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
            with Exchange() as exchange:
                done = run("--stream", "trade.A",
                           environment=exchange.environment(BRIDGE_HTTP__BIND=endpoint))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"http.bind: cannot bind {endpoint}", done.stderr)

    def test_healthcheck_tells_by_its_status_whether_the_bridge_is_ready(self):
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge:
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            wait_until(lambda: bridge.get("/readyz")[0] == 200, "a bridge that is ready")
            # As a container asks: with the bridge's own environment.
            asked = clean_environment(BRIDGE_HTTP__BIND=bridge.http.removeprefix("http://"))
            self.wait_until_healthcheck_says(0, "", environment=asked)
            with with_file(json.dumps({"http": {"bind": bridge.http.removeprefix("http://")}})) as file:
                self.wait_until_healthcheck_says(0, "", "--config", file.name)
            with with_file(f"BRIDGE_HTTP__BIND='{bridge.http.removeprefix('http://')}'") as file:
                self.wait_until_healthcheck_says(0, "", "--env-file", file.name)
            exchange.fault("refuse")
            exchange.fault("drop")
            wait_until(lambda: bridge.get("/readyz")[0] == 503, "a bridge that is not")
            self.wait_until_healthcheck_says(1, ".*not connected.*\n", "--url", bridge.http + "/readyz")
        self.wait_until_healthcheck_says(1, ".*Connection refused.*\n", "--url", bridge.http + "/readyz")

    def wait_until_healthcheck_says(self, status, said, *arguments, **options):
        """A regular expression on stderr, and nothing on stdout. It gives the bridge five seconds each time."""
        def is_in_time():
            done = run("healthcheck", *arguments, **options)
            if self.came_too_late(done.stderr):
                return False
            self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
            self.assertRegex(done.stderr, rf"\A{said}\Z")
            return True
        wait_until(is_in_time, "a healthcheck that is answered in time")

    @staticmethod
    def came_too_late(said):
        return re.fullmatch(r"healthcheck: .*: no (connection|answer) in time\n", said)

    def test_healthcheck_fails_with_1_where_it_cannot_know_whom_to_ask(self):
        for text, said in (("{", "config: "), ('{"http": {"bnid": "127.0.0.1:1"}}', "config: http.bnid: "),
                           ('{"http": {"bind": "localhost"}}', "config: http.bind: localhost is not an address"),
                           ('{"http": {"bind": 7}}', "config: http.bind: ")):
            with self.subTest(text), with_file(text) as file:
                done = run("healthcheck", "--config", file.name)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertRegex(done.stderr, f"^healthcheck: {re.escape(said)}")
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for arguments in (["--config", "/nowhere"], ["--env-file", "/nowhere"]):
            done = run("healthcheck", *arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn("healthcheck: config: /nowhere: ", done.stderr)
        for arguments in (["--bogus"], ["--url"], ["more"], ["--config"]):
            done = run("healthcheck", *arguments)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertTrue(done.stderr)

    def test_healthcheck_reads_trust_anchors_only_for_https(self):
        with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0)) as server:
            anchors = os.path.join(directory, "anchors")
            os.mkfifo(anchors)  # to open it is to wait for a writer
            port = server.getsockname()[1]
            server.settimeout(DEADLINE)

            def ask(scheme):
                process = subprocess.Popen([BRIDGE, "healthcheck", "--url", f"{scheme}://127.0.0.1:{port}/readyz"],
                                           env=clean_environment(SSL_CERT_FILE=anchors), stderr=subprocess.PIPE,
                                           text=True)
                self.addCleanup(process.communicate)
                self.addCleanup(process.kill)
                return process

            def is_answered():
                """It waits for five seconds."""
                process = ask("http")
                connection = server.accept()[0]
                with connection:
                    self.assertIn(connection.recv(4096)[:12], (b"GET /readyz ", b""))
                    with contextlib.suppress(OSError):  # it has given up
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                _, said = process.communicate(timeout=DEADLINE)
                if self.came_too_late(said):
                    return False
                self.assertEqual((process.returncode, said), (0, ""))
                return True

            wait_until(is_answered, "an answer though nobody writes the anchors")
            ask("https")
            wait_until(lambda: self.is_read(anchors), "the other to read them")

    @staticmethod
    def is_read(fifo):
        """Whether anybody waits for what is written there."""
        try:
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as nobody:
            assert nobody.errno == errno.ENXIO, nobody
            return False
        return True

    def test_healthcheck_quotes_no_endless_answer(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            process = subprocess.Popen(
                [*MORTAL, BRIDGE, "healthcheck", "--url", f"http://127.0.0.1:{server.getsockname()[1]}/readyz"],
                env=clean_environment(), stderr=subprocess.PIPE, text=True)
            self.addCleanup(process.kill)
            server.settimeout(DEADLINE)
            connection = server.accept()[0]
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 503 Not\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
                _, said = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 1)
        self.assertIn("more bytes)", said)
        self.assertLess(len(said), 3_000)

    def test_healthcheck_says_what_an_address_looks_like(self):
        done = run("healthcheck", "--url", "127.0.0.1:9464")
        self.assertEqual(done.returncode, 1)
        self.assertIn("give http://HOST:PORT/readyz", done.stderr)

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

    def test_tail_begins_with_what_was_missed_and_goes_on_live(self):
        self.assertTrue(any(self.begins_with_what_was_missed() for _ in range(TURNS)), "it gives up in each turn")

    def begins_with_what_was_missed(self):
        stream, terminated = "trade.SOL_USDC", "trade.SOL_USDC|"
        with Exchange() as exchange, Bridge(exchange, [stream],
                                            BRIDGE_PUBLISH__TOPIC_TERMINATOR="|") as bridge:
            exchange.wait_for_subscriptions([stream])
            for t in range(1, 6):
                exchange.publish(stream, json.dumps({"t": t}))
            wait_until(lambda: bridge.status()["streams"][0]["sequence"] == 5, "five trades")
            with Program([BRIDGE, "tail", terminated, "--replay", "3", "--count", "5", "--format", "raw",
                          "--connect", bridge.public], clean_environment()) as tail:
                wait_until(lambda: any(re.search(r'"t": ?5\b', line) for line in list(tail.lines)) or
                           self.has_given_up(tail), "what was missed")
                if self.has_given_up(tail):
                    wait_until(lambda: bridge.metric("replays_total", result="served") >= 5, "answers, though late")
                    return False
                for t in (6, 7):
                    exchange.publish(stream, json.dumps({"t": t}))
                self.assertEqual(tail.wait_for_end(), 0, tail.lines)
            self.assertEqual([json.loads(line)["data"]["t"] for line in tail.lines if not line.startswith("-- ")],
                             [3, 4, 5, 6, 7])
            return True

    def test_tail_into_something_that_does_not_read_is_bounded_and_tells_of_each_message_left_out(self):
        payload, count, bound = b"x" * 99_999, 1_600, 128 << 20
        with Sayer() as bridge:
            process = subprocess.Popen(
                [*MORTAL, BRIDGE, "tail", "trade.A", "--format", "raw", "--connect", bridge.endpoint],
                env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(process.kill)
            bridge.wait_for_tail()
            for _ in range(count):
                bridge.say(payload)
            # It takes in whatever comes while nobody reads, so that it remarks on this too.
            bridge.say(b'{"event":"connected","state":"live","connection":77}', b"bridge.status")
            remarks, printed = [], []
            readers = [threading.Thread(target=lambda: remarks.extend(process.stderr)),
                       threading.Thread(target=lambda: printed.extend(len(line) for line in process.stdout))]
            readers[0].start()
            wait_until(lambda: any(b"(connection 77)" in remark for remark in remarks), "all to be taken in")
            readers[1].start()

            def left_out():
                return [int(number) for remark in remarks
                        for number in re.findall(rb"^-- (\d+) messages were left out", remark)]
            wait_until(left_out, "a word on what is left out")
            wait_until(lambda: len(printed) == count - left_out()[0], "whatever it has taken in")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(DEADLINE), 0)
            for reader in readers:
                reader.join(DEADLINE)
            process.stdout.close()
            process.stderr.close()
        self.assertEqual(len(printed) + sum(left_out()), count, remarks)
        self.assertLess(sum(printed), bound + (2 << 20))
        self.assertNotIn(b"were lost", b"".join(remarks))

    def test_tail_steers_no_terminal_whatever_the_format(self):
        evil = b'{"a":"\x1b]0;title\x07","b":"\xc2\x9b2J","c":"\xe2\x80\xae"}'
        for arguments in (["trade.A", "--count", "1", "--format", "raw"], ["trade.A", "--count", "1"],
                          ["--book", "depth.A", "--format", "raw"]):
            with Sayer() as bridge:
                screen, terminal = pty.openpty()
                process = subprocess.Popen(
                    [*MORTAL, BRIDGE, "tail", "--connect", bridge.endpoint, *arguments],
                    env=clean_environment(), stdout=terminal, stderr=subprocess.PIPE)
                os.close(terminal)
                self.addCleanup(process.kill)
                if "--book" in arguments:
                    bridge.answer_until(lambda: process.poll() is not None, b"book",
                                        lambda topic: bridge.say(evil, topic))
                else:
                    bridge.wait_for_tail()
                    bridge.say(evil)
                shown = b""
                with contextlib.suppress(OSError):  # EIO: the end
                    while piece := os.read(screen, 4096):
                        shown += piece
                os.close(screen)
                self.assertEqual(process.wait(DEADLINE), 0)
                process.stderr.close()
            self.assertIn(b'"a":" ]0;title "', shown)
            own = re.sub(rb"\x1b\[\d*m", b"", shown)  # colours
            self.assertNotRegex(own, rb"[\x00-\x09\x0b\x0c\x0e-\x1f]|\xc2\x9b|\xe2\x80\xae")

    def test_tail_goes_on_without_the_end_of_a_replay_that_is_lost_on_the_way(self):
        """Of a bridge whose queue for this consumer is full whenever the replay comes to message 3."""
        self.assertTrue(any(self.goes_on_without_the_end() for _ in range(TURNS)), "it never has the beginning in time")

    def goes_on_without_the_end(self):
        def message(topic, sequence, flags=0):
            return [topic, b"%d" % sequence, struct.pack("<BBHIQQqqq", 1, 48, flags, 1, 7, sequence, 1, 0, 1)]
        stream = b"trade.A"
        with zmq.Context.instance().socket(zmq.XPUB) as bridge:
            bridge.linger = 0
            port = bridge.bind_to_random_port("tcp://127.0.0.1")
            process = subprocess.Popen(
                [BRIDGE, "tail", "trade.A", "--replay", "1", "--count", "4", "--format", "raw",
                 "--connect", f"tcp://127.0.0.1:{port}"], env=clean_environment(), text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(process.kill)
            asked, live, end = [], 4, time.monotonic() + DEADLINE
            while process.poll() is None and time.monotonic() < end:
                if bridge.poll(100):
                    topic = bridge.recv()
                    if topic.startswith(b"\1bridge.replay/"):
                        asked.append(topic.split(b"/")[2])
                        for sequence in range(int(asked[-1]), 3):
                            bridge.send_multipart(message(topic[1:], sequence, flags=1))
                elif asked:
                    bridge.send_multipart(message(stream, live))
                    live += 1
            printed, remarks = process.communicate(timeout=DEADLINE)
        if set(asked) == {b"1"}:
            self.assertEqual((len(asked), process.returncode), (5, 0), remarks)
            self.assertIn("going on without", remarks)
            return False
        # Five in all, of which more than one is for the beginning where this was held up.
        self.assertEqual((len(asked), set(asked), asked), (5, {b"1", b"3"}, sorted(asked)))
        self.assertEqual(printed.split(), ["1", "2", "4", "5"])
        self.assertIn("the replay of trade.A broke off after message 2", remarks)
        self.assertIn("1 messages of trade.A were lost", remarks)
        self.assertEqual(process.returncode, 0, remarks)
        return True

    def test_tail_takes_what_came_while_it_was_stopped_for_no_lack_of_an_answer(self):
        # A tail that was kept from reading on for a second may ask again. One that counts the halt does so in each turn.
        self.assertTrue(any(self.is_stopped_and_asks_no_more() for _ in range(TURNS)), "it asks again in each turn")

    def is_stopped_and_asks_no_more(self):
        requests, said = [], set()

        def say(*numbers):
            """Once for each request: what is on its way when the tail stops would be there as soon as it wakes."""
            requests.extend(bridge.take_requests(b"replay"))
            for number in numbers if requests else ():
                if (number, requests[-1]) not in said:
                    said.add((number, requests[-1]))
                    bridge.say(b"%d" % number, requests[-1], self.header_of_replayed(number))

        def show(*numbers):
            def are_shown():
                say(*numbers)
                return str(numbers[-1]) in tail.lines or self.has_given_up(tail)
            wait_until(are_shown, f"message {numbers[-1]}")

        with Sayer() as bridge, self.replaying_tail(4, bridge) as tail:
            show(1)
            heard = time.monotonic()
            show(2)  # what was asked for before the first one has come by now
            asked_before = len(requests)
            tail.send(signal.SIGSTOP)  # as Ctrl+Z does
            wait_until(lambda: ") T " in pathlib.Path(f"/proc/{tail.pid}/stat").read_text(), "a halt")
            say(3, 4)
            stopped = time.monotonic()
            time.sleep(1.5)  # beyond its patience with a bridge that does not answer
            woken = time.monotonic()
            tail.send(signal.SIGCONT)
            show(3, 4)
            answered = time.monotonic()
            if self.has_given_up(tail):
                return False
            self.assertEqual(tail.wait_for_end(), 0, tail.lines)
        asks_no_more = len(requests) == asked_before
        was_held_up = (stopped - heard) + (answered - woken) > 0.5
        self.assertTrue(asks_no_more or was_held_up, requests)
        return asks_no_more

    @staticmethod
    def replaying_tail(count, *bridges):
        endpoints = [option for bridge in bridges for option in ("--connect", bridge.endpoint)]
        return Program([BRIDGE, "tail", "trade.A", "--replay", "1", "--count", str(count), "--format", "raw",
                        *endpoints], clean_environment())

    @staticmethod
    def header_of_replayed(sequence, flags=1):
        return struct.pack("<BBHIQQqqq", 1, 48, flags, 1, 7, sequence, 1, 0, 1)

    @staticmethod
    def has_given_up(tail):
        """After five requests that were answered too late."""
        return any("going on without" in line for line in list(tail.lines))

    def test_tail_replays_from_the_endpoint_that_publishes_the_topic(self):
        self.assertTrue(any(self.is_replayed_by_who_publishes() for _ in range(TURNS)), "it gives up in each turn")

    def is_replayed_by_who_publishes(self):
        asked, turns = set(), itertools.count(1)

        def answer(topic):
            """Of both, the one that publishes it behind the other: between the two a tail waits a second at most."""
            wait_until(lambda: asked.update(publisher.take_requests(b"replay")) or topic in asked, "the same request")
            turn = next(turns)
            other.say(b"", topic, self.header_of_replayed(0, flags=9))  # nothing is known of it here
            other.say(b'{"event":"connected","state":"live","connection":%d}' % turn, b"bridge.status")
            tail.wait_for_line(rf"\(connection {turn}\)")
            for sequence in 4, 5, 6:
                publisher.say(b"%d" % sequence, topic, self.header_of_replayed(sequence))
            publisher.say(b"", topic, self.header_of_replayed(6, flags=9))

        with Sayer() as other, Sayer() as publisher, self.replaying_tail(3, other, publisher) as tail:
            other.answer_until(lambda: not tail.is_running or self.has_given_up(tail), b"replay", answer)
            if self.has_given_up(tail):
                return False
            self.assertEqual(tail.wait_for_end(), 0, tail.lines)
        remarks = [line for line in tail.lines if line.startswith("-- ")]
        self.assertEqual([line for line in tail.lines if line not in remarks], ["4", "5", "6"])
        self.assertIn("of trade.A what precedes message 4 is not kept", "\n".join(remarks))
        return True

    def test_tail_replays_exact_topics_alone(self):
        for topics in ([], ["trade.*"], ["trade.A", "depth.*"]):
            done = run("tail", *topics, "--replay", "1")
            self.assertEqual(done.returncode, 2)
            self.assertIn("exact topics", done.stderr)
        for wrong in ("", "first", "-1", "1.5"):
            done = run("tail", "trade.A", f"--replay={wrong}")
            self.assertEqual(done.returncode, 2, wrong)

    def test_tail_prints_a_book(self):
        stream = "depth.SOL_USDC"
        with Exchange() as exchange, Bridge(exchange, [stream],
                                            BRIDGE_PUBLISH__BOOKS=stream) as bridge:
            exchange.wait_for_subscriptions([stream])
            exchange.rate(500)
            done = run("tail", "--book", stream, "--connect", bridge.public)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"^depth\.SOL_USDC  update \d+, \d+ asks and \d+ bids\n")
            self.assertRegex(done.stdout, r"\n  ask +\d+\.\d\d +\d+\.\d\d\n  ---\n  bid +\d")
            done = run("tail", "--book", stream, "--connect", bridge.public, "--format", "raw")
            book = json.loads(done.stdout)
            self.assertEqual(list(book), ["asks", "bids", "lastUpdateId", "timestamp"])
            for side in ("asks", "bids"):
                prices = [float(price) for price, _ in book[side]]
                self.assertEqual(prices, sorted(prices))

    def test_tail_prints_a_book_though_another_endpoint_knows_of_none(self):
        stream = "depth.SOL_USDC"
        with Exchange() as exchange, \
                Bridge(exchange, [stream], BRIDGE_PUBLISH__BOOKS=stream,
                       BRIDGE_PUBLISH__PRIVATE__BIND="tcp://127.0.0.1:*") as bridge:
            exchange.wait_for_subscriptions([stream])
            exchange.rate(500)
            for endpoints in (bridge.public, bridge.private), (bridge.private, bridge.public):
                done = run("tail", "--book", stream, "--format", "raw",
                           *(option for endpoint in endpoints for option in ("--connect", endpoint)))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("lastUpdateId", json.loads(done.stdout))

    def test_tail_keeps_a_book_up_to_date_in_place_on_a_terminal(self):
        stream = "depth.SOL_USDC"
        with Exchange() as exchange, Bridge(exchange, [stream],
                                            BRIDGE_PUBLISH__BOOKS=stream) as bridge, \
                Terminal([BRIDGE, "tail", "--book", stream, "--connect", bridge.public],
                         rows=12, columns=40) as terminal:
            exchange.wait_for_subscriptions([stream])
            def show(what, holds):
                """The market moves on a step at a time, of which the ladder tells before the next."""
                def holds_now():
                    if holds():
                        return True
                    exchange.rate(500, messages=100)
                    wait_until(lambda: exchange.state()["rate"] == 0, "the end of the step")
                    return self.assert_true_in_the_end(exchange, terminal)
                wait_until(holds_now, what)

            show("four ladders over the first", lambda: terminal.text.count(UP) > 3)
            self.assert_true_in_the_end(exchange, terminal)
            exchange.fault("skip_ids", count=3, stream=stream)
            show("a loss", lambda: "-- a message does not continue the book" in terminal.text)
            self.assert_true_in_the_end(exchange, terminal)
            terminal.type_interrupt()
            self.assertEqual(terminal.wait(), 0)

    def assert_true_in_the_end(self, exchange, terminal):
        """Four levels of each side are what twelve rows have room for."""
        exchange.come_to_rest()
        book = exchange.book("SOL_USDC")
        wanted = [*reversed(book["asks"][:4]), *reversed(book["bids"][-4:])]
        wait_until(lambda: f"update {book['lastUpdateId']}," in terminal.ladder(), "the last update")
        shown = [line.split()[1:] for line in terminal.ladder().splitlines() if line[:5] in ("  ask", "  bid")]
        self.assertEqual(shown, wanted)
        self.assertLessEqual(max(map(len, terminal.ladder().splitlines())), 40)

    def test_tail_says_why_there_is_no_book(self):
        stream = "depth.SOL_USDC"
        with Exchange() as exchange, Bridge(exchange, [stream]) as bridge:
            with Program([BRIDGE, "tail", "--book", stream, "--connect", bridge.public],
                         clean_environment()) as tail:
                tail.wait_for_line("publish.books")
                self.assertEqual(tail.stop(signal.SIGINT), 1)

    def test_tail_explains_silence(self):
        with tempfile.TemporaryDirectory() as directory, \
                Program([BRIDGE, "tail", "--count", "1", "--connect", f"ipc://{directory}/nobody"],
                        clean_environment()) as tail:
            tail.wait_for_line("not even heartbeats")
            self.assertEqual(tail.stop(signal.SIGINT), 1, "the message did not come")

    def test_tail_says_when_the_bridge_is_gone(self):
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge:
            with Program([BRIDGE, "tail", "--connect", bridge.public], clean_environment()) as tail:
                tail.wait_for_line("the bridge is live, but nothing comes")
                bridge.stop(signal.SIGKILL)
                tail.wait_for_line("heartbeats have stopped")
                tail.stop(signal.SIGINT)

    def test_either_signal_ends_the_bridge_in_order(self):
        for sign in (signal.SIGTERM, signal.SIGINT):
            with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge:
                bridge.wait_for_line("connected")
                self.assertEqual(bridge.stop(sign), 0)
                self.assertRegex(bridge.lines[-1], r"INFO  stopped$")

    def test_signals_that_come_while_it_starts_are_acted_upon_once_it_has(self):
        for signs, end in (([], signal.SIGTERM), ([], signal.SIGINT),
                           ([signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2], signal.SIGTERM)):
            with tempfile.TemporaryDirectory() as directory:
                config = os.path.join(directory, "config.json")
                os.mkfifo(config)  # it reads the configuration for as long as the test likes
                with Program([BRIDGE, "--config", config, "--stream", "trade.A"], clean_environment(
                        BRIDGE_UPSTREAM__URL="ws://127.0.0.1:1",
                        BRIDGE_UPSTREAM__REST_URL="http://127.0.0.1:1",
                        BRIDGE_HTTP__BIND="127.0.0.1:0",
                        BRIDGE_PUBLISH__PUBLIC__BIND="tcp://127.0.0.1:*")) as bridge:
                    with open(wait_until(lambda: opened_once_read(config), "it to read"), "w") as file:
                        for sign in signs:
                            bridge.send(sign)
                        file.write("{}")
                    bridge.send(end)
                    self.assertEqual(bridge.wait_for_end(), 0, bridge.lines)
                said = "\n".join(bridge.lines)
                self.assertIn("shutdown cause=" + end.name, said)
                self.assertEqual("not reloaded" in said, signal.SIGHUP in signs, said)

    def test_either_signal_ends_the_wait_for_who_writes_the_configuration(self):
        for sign in (signal.SIGTERM, signal.SIGINT):
            with tempfile.TemporaryDirectory() as directory:
                config = os.path.join(directory, "config.json")
                os.mkfifo(config)
                for argument, stdin in ((config, subprocess.DEVNULL), ("-", subprocess.PIPE)):
                    process = subprocess.Popen([*MORTAL, BRIDGE, "--config", argument], stdin=stdin,
                                               stderr=subprocess.PIPE, text=True, env=clean_environment())
                    self.addCleanup(process.kill)
                    wait_until(lambda: self.holds(process.pid, sign), "the signal to be held")
                    process.send_signal(sign)
                    said = process.stderr.read()
                    self.assertEqual(process.wait(DEADLINE), 0, said)
                    self.assertRegex(said, f"^config: {re.escape(argument)}: was waited for until a signal came; .*\n$")
                    for pipe in (process.stdin, process.stderr):
                        if pipe:
                            pipe.close()

    @staticmethod
    def holds(pid, sign):
        """Whether the process keeps the signal waiting."""
        held = re.search(r"^SigBlk:\s*(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1]
        return int(held, 16) >> (sign - 1) & 1

    def test_signals_that_mean_nothing_to_the_bridge_are_logged_and_do_no_harm(self):
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge:
            for sign in (signal.SIGUSR1, signal.SIGUSR2):
                bridge.send(sign)
                bridge.wait_for_line("signal ignored signal=" + sign.name)
            self.assertEqual(bridge.get("/livez")[0], 200)

    def test_a_second_signal_ends_the_wait_for_consumers_at_once(self):
        stream, payload = "trade.SOL_USDC", json.dumps("x" * 262_144)
        for sign in (signal.SIGTERM, signal.SIGINT):
            with Exchange() as exchange, Bridge(exchange, [stream],
                                                BRIDGE_PUBLISH__LINGER_MS="600000") as bridge, \
                    zmq.Context.instance().socket(zmq.SUB) as consumer:
                consumer.linger = 0
                consumer.rcvhwm = 1
                consumer.subscribe("")
                consumer.connect(bridge.public)
                self.assertTrue(consumer.poll(DEADLINE * 1000))  # from here on it reads nothing
                exchange.wait_for_subscriptions([stream])
                count = 100  # more than the buffers on the way hold
                for _ in range(count):
                    exchange.publish(stream, payload)
                wait_until(lambda: bridge.status()["streams"][0]["sequence"] == count, "all to be published")
                bridge.send(signal.SIGTERM)
                bridge.wait_for_line("waiting for consumers at_most_ms=600000")
                self.assertEqual(bridge.stop(sign), 0)
                self.assertIn("not waiting any longer cause=" + sign.name, bridge.lines[-2])
                self.assertRegex(bridge.lines[-1], r"INFO  stopped$")

    def test_the_bridge_ends_whenever_it_is_asked_to(self):
        # While nothing answers, with heartbeats so dense that one is often due at that moment.
        for attempt in range(40):
            with Program([BRIDGE, "--stream", "trade.A"], clean_environment(
                    BRIDGE_UPSTREAM__URL="ws://127.0.0.1:1",
                    BRIDGE_UPSTREAM__REST_URL="http://127.0.0.1:1",
                    BRIDGE_HTTP__BIND="127.0.0.1:0",
                    BRIDGE_PUBLISH__PUBLIC__BIND="tcp://127.0.0.1:*",
                    BRIDGE_PUBLISH__HEARTBEAT_MS="10")) as bridge:
                bridge.wait_for_line("connect failed")
                self.assertEqual(bridge.stop(), 0, f"attempt {attempt}")

    def test_a_signal_that_comes_when_all_is_over_does_not_end_it_otherwise(self):
        for attempt in range(10):
            with Program([BRIDGE, "--stream", "trade.A"], clean_environment(
                    BRIDGE_UPSTREAM__URL="ws://127.0.0.1:1",
                    BRIDGE_UPSTREAM__REST_URL="http://127.0.0.1:1",
                    BRIDGE_HTTP__BIND="127.0.0.1:0",
                    BRIDGE_PUBLISH__PUBLIC__BIND="tcp://127.0.0.1:*")) as bridge:
                bridge.wait_for_line("connect failed")
                last = time.monotonic() + DEADLINE
                while bridge.is_running and time.monotonic() < last:
                    bridge.send(signal.SIGTERM)
                self.assertEqual(bridge.wait_for_end(), 0, f"attempt {attempt}")

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
                env=exchange.environment())
            self.addCleanup(process.kill)
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
                env=exchange.environment())
            self.addCleanup(process.kill)
            os.close(write_end)
            os.close(read_end)
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            process.terminate()
            self.assertEqual(process.wait(DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()
