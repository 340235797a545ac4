"""CURVE as README tells it: keys made by keygen, a bridge that encrypts, consumers in and out."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import hostile
import zmq

from harness import (BRIDGE, DEADLINE, KEYS, ROOT, CurveKeys, Exchange, Program, clean_environment, free_port,
                     wait_until)

SECTION = re.search(r"^### Encrypting and admitting consumers\n(.*?)^###? ",
                    (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)[1]
STREAM = "account.orderUpdate"


def block(language):
    return re.search(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)[1]


def shell_blocks():
    """The indented blocks, each as one text without the indentation."""
    return [re.sub(r"^ {4}", "", text, flags=re.MULTILINE)
            for text in re.findall(r"(?:^ {4}\S.*\n(?:^ {4}.*\n)*)", SECTION, re.MULTILINE)]


class CurveTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.shell(shell_blocks()[0])
        self.server, self.consumer = self.keys("bridge.key"), self.keys("consumer.key")
        self.port = free_port()

    def shell(self, script):
        """Runs README's commands in the directory, with the program's own name leading to it."""
        script = f'set -e; backpack-bridge() {{ "{BRIDGE}" "$@"; }}\n{script}'
        return subprocess.run(["bash", "-c", script], cwd=self.directory, env=clean_environment(),
                              text=True, capture_output=True, timeout=DEADLINE, check=True).stdout

    def path(self, name):
        return os.path.join(self.directory, name)

    def keys(self, name):
        with open(self.path(name)) as file:
            return dict(line.split() for line in file)

    def write_configuration(self, *allowed):
        configuration = json.loads(block("json"))
        private = configuration["publish"]["private"]
        self.assertEqual(private["curve"]["allow"], ["THE CONSUMER'S PUBLIC KEY"])
        private["bind"] = [private["bind"][0].replace("*:5556", f"127.0.0.1:{self.port}")]
        private["curve"]["secret_key_file"] = self.path(private["curve"]["secret_key_file"])
        private["curve"]["allow"] = list(allowed)
        with open(self.path("bridge.json"), "w") as file:
            json.dump(configuration, file)

    def bridge(self, exchange, *prefix):
        return Program([*prefix, BRIDGE, "--config", self.path("bridge.json"), "--stream", STREAM],
                       exchange.environment(**KEYS, BRIDGE_PUBLISH__HEARTBEAT_MS="50"))

    def example(self):
        """README's consumer, from the directory in which its key is."""
        text = block("python")
        for said, meant in (("THE BRIDGE'S PUBLIC KEY", self.server["public_key"]),
                            ("127.0.0.1:5556", f"127.0.0.1:{self.port}"),
                            ('open("consumer.key")', f'open("{self.path("consumer.key")}")')):
            self.assertIn(said, text)
            text = text.replace(said, meant)
        return Program([sys.executable, "-u", "-c", text], clean_environment())

    def socket(self, keys, server=None):
        """A consumer of everything with `keys`."""
        socket = zmq.Context.instance().socket(zmq.SUB)
        self.addCleanup(socket.close, 0)
        socket.curve_publickey = keys["public_key"].encode()
        socket.curve_secretkey = keys["secret_key"].encode()
        socket.curve_serverkey = (server or self.server)["public_key"].encode()
        socket.subscribe("")
        socket.connect(f"tcp://127.0.0.1:{self.port}")
        return socket

    def another_pair(self):
        done = subprocess.run([BRIDGE, "keygen"], text=True, capture_output=True, check=True,
                              timeout=DEADLINE)
        return dict(line.split() for line in done.stdout.splitlines())

    def test_what_readme_tells_carries_account_data_from_keygen_to_a_consumer(self):
        self.write_configuration(self.consumer["public_key"])
        with Exchange() as exchange, self.bridge(exchange) as bridge:
            exchange.wait_for_subscriptions([STREAM])
            with self.example() as consumer:
                def printed():
                    exchange.publish(STREAM, '{"X":"New"}')
                    return consumer.lines
                wait_until(printed, "a line of the example")
                self.assertEqual(consumer.lines[0],
                                 f'{STREAM} {{"data":{{"X":"New"}},"stream":"{STREAM}"}}')
        said = "\n".join(bridge.lines)
        self.assertIn(self.server["public_key"], said)
        for secret in (self.server["secret_key"], self.consumer["secret_key"]):
            self.assertNotIn(secret, said)

    def test_tail_comes_in_as_readme_tells(self):
        self.write_configuration(self.consumer["public_key"])
        command = next(text for text in shell_blocks() if "tail" in text)
        command = command.replace("5556", str(self.port)).replace(
            '"THE BRIDGE\'S PUBLIC KEY"', f"'{self.server['public_key']}'")
        with Exchange() as exchange, self.bridge(exchange) as bridge:
            bridge.wait_for_line("connected")
            said = self.shell(command.rstrip() + " --count 1 bridge.status")
            self.assertIn("heartbeat", said)

    def test_tail_makes_a_pair_where_any_client_is_allowed(self):
        self.write_configuration("*")
        with Exchange() as exchange, self.bridge(exchange) as bridge:
            bridge.wait_for_line("connected")
            done = subprocess.run(
                [BRIDGE, "tail", "bridge.status", "--count", "1", "--connect",
                 f"tcp://127.0.0.1:{self.port}", "--curve-server-key", self.server["public_key"]],
                env=clean_environment(), text=True, capture_output=True, timeout=DEADLINE)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_tail_without_a_key_is_told_of_one(self):
        self.write_configuration(self.consumer["public_key"])
        with Exchange() as exchange, self.bridge(exchange) as bridge:
            bridge.wait_for_line("connected")
            with Program([BRIDGE, "tail", "--connect", f"tcp://127.0.0.1:{self.port}"],
                         clean_environment()) as tail:
                tail.wait_for_line("--curve-server-key")
            # Whoever sees first that the other side has CURVE leaves; the bridge only says why if
            # it was the bridge.
            page = "http://" + bridge.wait_for_line(r"serving http endpoint=(\S+)")[1] + "/metrics"
            wait_until(lambda: re.search(
                r'handshake_failures_total\{endpoint="private"\} [1-9]',
                urllib.request.urlopen(page, timeout=DEADLINE).read().decode()),
                "the failure to be counted")
            with Program([BRIDGE, "tail", "--connect", f"tcp://127.0.0.1:{self.port}",
                          "--curve-server-key", self.server["public_key"]],
                         clean_environment()) as tail:
                key = tail.wait_for_line(r"admit the client key (\S+)\?")[1]
            bridge.wait_for_line(
                r"refused endpoint=private address=127.0.0.1 reason=unknown_key key=\"?" +
                re.escape(key))

    def test_tail_refuses_keys_that_are_none(self):
        server = self.server["public_key"]
        with open(self.path("open.key"), "w") as file:
            file.write(self.consumer["secret_key"])
        os.chmod(file.name, 0o644)
        for options, words in ((["--curve-server-key", "x"], "is not 40 characters of Z85"),
                               (["--curve-secret-key-file", "x"], "--curve-server-key"),
                               (["--curve-server-key", server, "--curve-secret-key-file", "/x"],
                                "names a file that does not exist"),
                               (["--curve-server-key", server, "--curve-secret-key-file",
                                 file.name], "(mode 0644); chmod 600 it")):
            done = subprocess.run([BRIDGE, "tail", *options], env=clean_environment(), text=True,
                                  capture_output=True, timeout=DEADLINE)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(words, done.stderr)

    def test_sighup_changes_whom_the_bridge_admits_and_drops_nobody(self):
        newcomer = self.another_pair()
        self.write_configuration(self.consumer["public_key"])
        with Exchange() as exchange, self.bridge(exchange) as bridge:
            admitted = self.socket(self.consumer)
            self.assertTrue(admitted.poll(DEADLINE * 1000), "is not admitted")

            stranger = self.socket(newcomer)
            bridge.wait_for_line(r"refused .*reason=unknown_key")
            self.assertFalse(stranger.poll(0))
            stranger.close(0)

            self.write_configuration(newcomer["public_key"])
            bridge.send(signal.SIGHUP)
            bridge.wait_for_line("admitting endpoint=private clients=1")
            self.assertTrue(self.socket(newcomer).poll(DEADLINE * 1000), "is not admitted")
            while admitted.poll(0):
                admitted.recv_multipart()
            self.assertTrue(admitted.poll(DEADLINE * 1000), "was dropped")

            with open(self.path("bridge.json"), "w") as file:
                file.write('{"publish":{"private":{"curve":{"allow":["*"]}}},"upstream":{"x":1}}')
            bridge.send(signal.SIGHUP)
            bridge.wait_for_line('not reloaded problem="config: upstream.x: ')
            again = self.socket(self.consumer)
            bridge.wait_for_line("refused .*" + re.escape(self.consumer["public_key"]))
            self.assertFalse(again.poll(0))

    def test_a_friend_comes_in_though_strangers_hold_every_place(self):
        self.write_configuration(self.consumer["public_key"])
        stranger = self.another_pair()
        hello = hostile.curve_hello(CurveKeys(*(key.encode() for key in (
            self.server["public_key"], stranger["public_key"], stranger["secret_key"]))))
        with Exchange() as exchange, self.bridge(exchange, "prlimit", "--nofile=128:128") as bridge:
            bridge.wait_for_line("publishing endpoint=.*private")
            with hostile.crowd(f"tcp://127.0.0.1:{self.port}", 60,
                               lambda connection: hostile.stop_after_welcome(connection, hello)):
                bridge.wait_for_line("turned away endpoint=private reason=crowded")
                self.assertTrue(self.socket(self.consumer).poll(DEADLINE * 1000), "is turned away")

    def test_sighup_takes_the_server_key_for_what_needs_a_restart(self):
        self.write_configuration(self.consumer["public_key"])
        with Exchange() as exchange, self.bridge(exchange) as bridge:
            bridge.wait_for_line("connected")
            another = self.another_pair()
            with open(self.path("bridge.key"), "w") as file:
                file.write(another["secret_key"])
            bridge.send(signal.SIGHUP)
            bridge.wait_for_line("needs a restart key=publish.private.curve.secret_key_file")
            bridge.wait_for_line("reloaded")
            self.assertNotIn(another["secret_key"], "\n".join(bridge.lines))
            self.assertTrue(self.socket(self.consumer).poll(DEADLINE * 1000), "the old key holds")

    def test_sighup_does_not_wait_for_who_writes_the_configuration_into_a_fifo(self):
        self.write_configuration(self.consumer["public_key"])
        with Exchange() as exchange, self.bridge(exchange) as bridge:
            exchange.wait_for_subscriptions([STREAM])
            consumer = self.socket(self.consumer)
            self.assertTrue(consumer.poll(DEADLINE * 1000), "is not admitted")
            os.remove(self.path("bridge.json"))
            os.mkfifo(self.path("bridge.json"))
            try:
                bridge.send(signal.SIGHUP)
                bridge.wait_for_line("not reloaded problem=.*bridge.json: is no regular file")
            finally:
                # Without a writer, a bridge that waits for one would never end.
                os.close(os.open(self.path("bridge.json"), os.O_RDWR | os.O_NONBLOCK))
            exchange.publish(STREAM, '{"e":"orderFill"}')
            consumer.rcvtimeo = int(DEADLINE * 1000)
            wait_until(lambda: consumer.recv_multipart()[0] == STREAM.encode(), "a message")

    def check(self, *prefix):
        return subprocess.run([*prefix, BRIDGE, "check", "--config", self.path("bridge.json"),
                               "--stream", STREAM], env=clean_environment(**KEYS), text=True,
                              capture_output=True, timeout=DEADLINE)

    def test_check_tells_the_servers_public_key_and_no_secret(self):
        self.write_configuration(self.consumer["public_key"])
        done = self.check()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"publish.private.curve: server key {self.server['public_key']}\n",
                      done.stderr)
        self.assertNotIn(self.server["secret_key"], done.stdout + done.stderr)

    def test_a_key_that_others_may_read_is_taken_from_a_read_only_mount_alone(self):
        self.write_configuration(self.consumer["public_key"])
        os.chmod(self.path("bridge.key"), 0o444)  # as Docker mounts secrets
        done = self.check()
        self.assertEqual(done.returncode, 2)
        self.assertIn("(mode 0444); chmod 600 it", done.stderr)

        namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c",
                     'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"',
                     self.directory]
        able = subprocess.run([*namespace, "true"], capture_output=True, timeout=DEADLINE)
        if able.returncode != 0:
            self.skipTest("this machine lets nobody mount: " + able.stderr.decode().strip())
        done = self.check(*namespace)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
