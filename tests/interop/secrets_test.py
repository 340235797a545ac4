"""No secret ever comes out: not in what the bridge says, not in its memory where others look."""

import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest
import urllib.parse

import zmq

import nats_operator
from configured_bridge import ConfiguredBridge
from connect_proxy import ConnectProxy
from harness import (BRIDGE, DEADLINE, KEYS, Bridge, Consumer, CurveKeys, Exchange,
                     clean_environment, wait_until)
from nats_client import NatsServer, store
from needles import forms_of_key, forms_of_login, forms_of_nkey

SECRET = KEYS["BACKPACK_SECRET_KEY"]
CURVE_SECRET = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"  # an example of libzmq's
PUBLIC_KEY_OF_A_CONSUMER = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"  # likewise
SEED = base64.b64decode(SECRET)
FORMS = forms_of_key(SECRET)
NKEY_SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"  # an example of NATS'
STRAY_KEYS = {**FORMS, "for CURVE": CURVE_SECRET, "for NATS": NKEY_SEED}
LOGIN = ("me", "hidden/word+of=ours")
CURVE_KEYS = CurveKeys(zmq.curve_public(CURVE_SECRET.encode()), *zmq.curve_keypair())
NEEDLES = {**STRAY_KEYS, "a consumer's": CURVE_KEYS.secret.decode()}
STREAMS = ["trade.SOL_USDC", "account.orderUpdate"]


def run(*arguments, environment):
    """Everything that the program says, and its exit status."""
    done = subprocess.run([BRIDGE, *arguments], env=environment, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=DEADLINE)
    return done.stdout + done.stderr, done.returncode


def paths_of(json_object, prefix=()):
    for name, value in json_object.items():
        if isinstance(value, dict):
            yield from paths_of(value, (*prefix, name))
        else:
            yield (*prefix, name)


def regions_with(pid, needle):
    """The flags of each region of memory that holds `needle`."""
    found = []
    smaps = pathlib.Path(f"/proc/{pid}/smaps").read_text()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, access, flags in re.findall(
                r"^([0-9a-f]+)-([0-9a-f]+) (\S+) .*?^VmFlags: ([^\n]*)$", smaps,
                re.MULTILINE | re.DOTALL):
            if "r" not in access:
                continue
            size = int(end, 16) - int(begin, 16)
            if size > 1 << 30:  # a sanitizer's shadow
                continue
            try:
                memory.seek(int(begin, 16))
                if needle in memory.read(size):
                    found.append(flags.split())
            except (OSError, OverflowError, ValueError):
                continue  # [vvar] and the like
    return found


IS_SANITIZED = b"__asan_init" in open(BRIDGE, "rb").read()


class SecretsTest(unittest.TestCase):
    def assert_no_secret(self, text, where, **further):
        """`further`: needles by form, of other secrets by name."""
        secrets = {"the secret": NEEDLES, **further}
        for name, needles in secrets.items():
            for form, needle in needles.items():
                self.assertNotIn(needle, text, f"{name}, {form}, in {where}")

    def test_no_output_of_a_full_run_holds_a_secret(self):
        for log_format in ("text", "json"):
            with self.subTest(log_format), Exchange() as exchange, ConnectProxy(*LOGIN) as proxy, store() as folder, \
                    store() as messages:
                server_configuration, credentials = nats_operator.make(folder)
                token, seed = re.findall(r"^[A-Za-z0-9_.-]{50,}$", credentials.read_text(encoding="utf-8"), re.MULTILINE)
                further = {"the password": forms_of_login(*LOGIN), "the seed for NATS": forms_of_nkey(seed),
                           "the token for NATS": {"as issued": token}}
                with NatsServer(messages, configuration=server_configuration) as server:
                    settings = self.settings(folder, log_format, server, credentials)
                    said = self.run_with_everything(exchange, proxy, server, os.path.join(folder, "bridge.json"), settings)
                for where, text in said.items():
                    self.assertTrue(text, where)
                    self.assert_no_secret(text, where, **further)

    @staticmethod
    def settings(folder, log_format, server, credentials):
        key_file = pathlib.Path(folder, "curve.key")
        key_file.touch(0o600)
        key_file.write_text(CURVE_SECRET, encoding="utf-8")
        return {"BRIDGE_LOG__LEVEL": "trace", "BRIDGE_LOG__FORMAT": log_format,
                "BRIDGE_PUBLISH__PRIVATE__CURVE__SECRET_KEY_FILE": str(key_file),
                "BRIDGE_PUBLISH__PRIVATE__CURVE__ALLOW": CURVE_KEYS.public.decode(),
                "BRIDGE_PUBLISH__JETSTREAM__SERVERS": server.url,
                "BRIDGE_PUBLISH__JETSTREAM__INCLUDE_PRIVATE": "true",
                "BRIDGE_PUBLISH__JETSTREAM__CREDENTIALS_FILE": str(credentials)}

    def run_with_everything(self, exchange, proxy, server, path, settings):
        """Everything that the program says, by where it says it."""
        def through(user, password):
            login = ":".join(urllib.parse.quote(word, safe="") for word in (user, password))
            return {"upstream": {"proxy": f"http://{login}@127.0.0.1:{proxy.port}"}}
        with ConfiguredBridge(exchange, STREAMS, path, through(*LOGIN), **settings) as bridge, \
                Consumer(bridge.public) as public, Consumer(bridge.private, keys=CURVE_KEYS) as private:
            said = self.live_through_everything(exchange, bridge, public, private)
            said["SIGHUP"] = bridge.reload(STREAMS, **through("another", LOGIN[1]))
            self.assertIn("upstream.proxy", said["SIGHUP"])
            for form, key in STRAY_KEYS.items():
                said[f"SIGHUP, {form}"] = bridge.reload([key], **through(key, key))
                self.assertIn("not reloaded", said[f"SIGHUP, {form}"])
                said[f"SIGHUP after {form}"] = bridge.restore(STREAMS, **through("another", LOGIN[1]))
            proxy.is_refusing = True
            exchange.fault("drop")
            bridge.wait_for_line("connect failed.*result.*proxy")
            server.stop()
            wait_until(lambda: not bridge.status()["jetstream"]["connected"], "JetStream to be away")
            self.assertTrue(bridge.status()["jetstream"]["reasons"])
            said["status after all that"] = bridge.get("/status")[1]
            self.assertEqual(bridge.stop(), 0)
            said["log"] = "\n".join(bridge.lines)
        self.assertGreater(proxy.tunnels, 2)
        bridge.write(STREAMS, **through(*LOGIN))
        environment = exchange.environment(**KEYS, **settings, BRIDGE_PUBLISH__PRIVATE__BIND="tcp://127.0.0.1:*")
        said["check"], status = run("check", "--config", path, environment=environment)
        self.assertEqual(status, 0, said["check"])
        return said

    def live_through_everything(self, exchange, bridge, public, private):
        """Makes the bridge say all that it has to say of the exchange; returns that by where it said it."""
        exchange.wait_for_subscriptions(STREAMS)
        bridge.wait_for_line("jetstream ready")
        exchange.publish("account.orderUpdate", '{"e":"orderFill"}')
        exchange.publish("trade.SOL_USDC", '{"e":"trade","t":1}')
        wait_until(lambda: bridge.metric("jetstream_acknowledged_total") == 2, "both messages to be stored")
        exchange.fault("garbage")
        exchange.fault("drop")
        for consumer in (public, private):
            consumer.wait_for_status("disconnected")
            consumer.wait_for_status("connected")
        exchange.wait_for_subscriptions(STREAMS)
        exchange.fault("reject_signatures")
        exchange.fault("close", code=1012)
        private.wait_for_status("rejected")
        said = {path: bridge.get(path)[1] for path in ("/", "/status", "/metrics", "/readyz",
                                                       "/livez", "/nothing")}
        said["bridge.status"] = "\n".join(
            message.payload for message in public.status + private.status)
        return said

    def test_a_key_in_the_wrong_place_does_not_come_out_in_the_error(self):
        output, _ = run("check", "--stream", "trade.A", environment=clean_environment())
        configuration = json.loads(output[:output.rindex("}") + 1])
        variables = ["BRIDGE_" + "__".join(path).upper() for path in paths_of(configuration)]
        self.assertGreater(len(variables), 25)
        environments = [{variable: key} for variable in variables for key in (SECRET, CURVE_SECRET, NKEY_SEED)]
        environments += [dict.fromkeys(variables, key) for key in STRAY_KEYS.values()]
        environments += [{variable: f"tcp://{key}:1"} for variable in variables
                         for key in (SECRET, CURVE_SECRET, NKEY_SEED)]
        environments += [{"BACKPACK_SECRET_KEY_FILE": SECRET},
                         {"BACKPACK_PUBLIC_KEY_FILE": SECRET, "BACKPACK_SECRET_KEY": SECRET},
                         {"BACKPACK_PUBLIC_KEY": SECRET, "BACKPACK_SECRET_KEY": SECRET},
                         {"BACKPACK_PUBLIC_KEY": SECRET, "BACKPACK_SECRET_KEY": SECRET[:-2]},
                         {"PUBLIC_KEY": "x", "SECRET_KEY": SECRET}]
        for environment in environments:
            for arguments in ([], ["--stream", "account.orderUpdate"]):
                with self.subTest(environment=environment, arguments=arguments):
                    output, status = run("check", *arguments,
                                         environment=clean_environment(**environment))
                    self.assertIn(status, (0, 2))
                    self.assert_no_secret(output, "check")

    def test_a_key_on_the_command_line_or_in_the_file_does_not_come_out_in_the_error(self):
        for arguments in (["--config", SECRET], ["--stream", SECRET], ["--log-level", SECRET],
                          [SECRET], ["--secret-key", SECRET], ["--" + SECRET],
                          ["--stream", NKEY_SEED], ["--stream", "trade.A," + FORMS["hexadecimal"]],
                          ["--config", CURVE_SECRET], ["--stream", CURVE_SECRET],
                          ["--log-level", CURVE_SECRET], [CURVE_SECRET],
                          ["--stream", SECRET.rstrip("=")], ["--config", SECRET.rstrip("=")],
                          [SECRET.rstrip("=")]):
            for command in ([], ["check"]):
                with self.subTest(arguments=arguments, command=command):
                    output, status = run(*command, *arguments, environment=clean_environment())
                    self.assertEqual(status, 2, output)
                    self.assert_no_secret(output, "an error")
        for content in ({SECRET: 1}, {"upstream": {SECRET: 1}}, {"upstream": SECRET},
                        {"upstream": {"streams": [SECRET]}}, {"log": {"level": SECRET}}, SECRET,
                        {"secret_key": SECRET}, {"publish": {"books": [SECRET]}},
                        {CURVE_SECRET: 1}, {"log": {"level": CURVE_SECRET}}, CURVE_SECRET):
            with self.subTest(content=content), tempfile.NamedTemporaryFile("w") as file:
                file.write(json.dumps(content))
                file.flush()
                output, status = run("check", "--config", file.name,
                                     environment=clean_environment())
                self.assertEqual(status, 2, output)
                self.assert_no_secret(output, "an error")

    def test_a_key_given_to_another_command_does_not_come_out_in_the_error(self):
        for key in (SECRET, SECRET.rstrip("="), CURVE_SECRET):
            for arguments in (["tail", "--connect"], ["tail", "--book", "trade.A", "--connect"]):
                self.assert_refused_in_silence(key, arguments)
        for key in (SECRET, SECRET.rstrip("=")):
            for arguments in (["tail", "--format"], ["tail", "--curve-server-key"],
                              ["healthcheck", "--url"], ["keygen"]):
                self.assert_refused_in_silence(key, arguments)

    def assert_refused_in_silence(self, key, arguments):
        with self.subTest(arguments=arguments, key=key):
            output, status = run(*arguments, key, environment=clean_environment())
            self.assertIn(status, (1, 2), output)
            self.assertNotIn(key, output)

    def test_a_key_in_the_place_of_an_endpoint_does_not_come_out_when_it_cannot_be_bound(self):
        output, status = run(environment=clean_environment(
            BRIDGE_UPSTREAM__STREAMS="trade.A", BRIDGE_HTTP__BIND="127.0.0.1:0",
            BRIDGE_PUBLISH__PUBLIC__BIND=f"ipc:///no/such/{SECRET},ipc:///no/such/{CURVE_SECRET}"))
        self.assertEqual(status, 1, output)
        self.assert_no_secret(output, "an error")

    def test_public_keys_that_are_admitted_stay_in_the_configuration_that_check_prints(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")
            file.flush()
            done = subprocess.run(
                [BRIDGE, "check", "--stream", "trade.A"], text=True, capture_output=True,
                timeout=DEADLINE, env=clean_environment(
                    BRIDGE_PUBLISH__PUBLIC__CURVE__SECRET_KEY_FILE=file.name,
                    BRIDGE_PUBLISH__PUBLIC__CURVE__ALLOW=PUBLIC_KEY_OF_A_CONSUMER))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["publish"]["public"]["curve"]["allow"],
                         [PUBLIC_KEY_OF_A_CONSUMER])

    @unittest.skipIf(IS_SANITIZED, "a sanitizer keeps what was freed")
    @unittest.skipUnless(os.geteuid() == 0, "reading another process's memory takes root")
    def test_memory_holds_the_key_in_the_one_place_that_signs(self):
        with tempfile.NamedTemporaryFile("w") as file, Exchange() as exchange:
            file.write(SECRET + "\n")
            file.flush()
            for keys in ({}, {"BACKPACK_SECRET_KEY": "", "BACKPACK_SECRET_KEY_FILE": file.name}):
                with self.subTest(keys=keys), Bridge(exchange, STREAMS, **keys) as bridge:
                    exchange.wait_for_subscriptions(STREAMS)
                    for form in FORMS.values():
                        self.assertEqual(regions_with(bridge.pid, form.encode()), [], form)
                    signing = regions_with(bridge.pid, SEED)
                    self.assertEqual(len(signing), 1, signing)
                    self.assertIn("dd", signing[0], "it would be in a core dump")
                    environment = pathlib.Path(f"/proc/{bridge.pid}/environ").read_bytes()
                    self.assertNotIn(SECRET.encode(), environment)
                    self.assertIn(b"BACKPACK_PUBLIC_KEY=" + KEYS["BACKPACK_PUBLIC_KEY"].encode(),
                                  environment)

    def test_a_crash_leaves_no_core_dump(self):
        with Exchange() as exchange, tempfile.TemporaryDirectory() as directory:
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"ulimit -c unlimited; exec {BRIDGE}"], cwd=directory,
                env=exchange.environment(**KEYS, BRIDGE_UPSTREAM__STREAMS="trade.SOL_USDC"),
                stderr=subprocess.DEVNULL)
            try:
                exchange.wait_for_subscriptions(["trade.SOL_USDC"])
                self.assertRegex(pathlib.Path(f"/proc/{process.pid}/limits").read_text(),
                                 r"Max core file size +0 +0 ")
                process.send_signal(signal.SIGSEGV)
                _, status = os.waitpid(process.pid, 0)
                process.returncode = -signal.SIGSEGV
            finally:
                process.kill()
            self.assertTrue(os.WIFSIGNALED(status) or os.WEXITSTATUS(status) != 0)
            self.assertFalse(os.WCOREDUMP(status))
            self.assertEqual(os.listdir(directory), [])

    def test_no_command_may_be_dumped(self):
        process = subprocess.Popen(["/bin/sh", "-c", f"ulimit -c unlimited; exec {BRIDGE} tail"],
                                   env=clean_environment(), stderr=subprocess.DEVNULL)
        try:
            limits = pathlib.Path(f"/proc/{process.pid}/limits")
            wait_until(lambda: re.search(r"Max core file size +0 +0 ", limits.read_text()),
                       "no core dump")
        finally:
            process.terminate()
            process.wait(DEADLINE)


if __name__ == "__main__":
    unittest.main()
