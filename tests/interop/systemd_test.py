"""The unit of deploy/systemd, as systemd itself judges it, and the bridge in its sandbox."""

import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from harness import BRIDGE, DEADLINE, ROOT, Bridge, Consumer, Exchange, Program, clean_environment, wait_until

UNIT = ROOT / "deploy/systemd/backpack-bridge.service"
SANDBOX = pathlib.Path(__file__).with_name("unit_sandbox.py")
IS_SANITIZED = any(name in pathlib.Path(BRIDGE).read_bytes() for name in (b"__asan_init", b"__tsan_init"))
TEMPLATE = "backpack-bridge@.service"


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], env=clean_environment(), text=True, timeout=DEADLINE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


class SystemdTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("systemd-analyze"):
            raise unittest.SkipTest("no systemd-analyze here: apt install systemd")

    def verify(self, text, name=UNIT.name):
        """What systemd says of a unit whose program is the one that was built."""
        program = "/usr/local/bin/backpack-bridge"
        self.assertIn(f"ExecStart={program} ", text)
        with tempfile.TemporaryDirectory() as directory:
            unit = pathlib.Path(directory, name)
            unit.write_text(text.replace(program, BRIDGE))
            done = analyze("verify", "--man=no", str(unit))
        # Units of this machine may have faults of their own.
        return "".join(line for line in done.stdout.splitlines(True) if "backpack-bridge" in line)

    def test_systemd_understands_every_line(self):
        self.assertEqual(self.verify(UNIT.read_text()), "")
        self.assertEqual(self.verify(UNIT.read_text(), TEMPLATE), "")

    def test_a_misspelt_line_would_be_told(self):
        self.assertIn("ProtectHomes", self.verify(UNIT.read_text().replace("ProtectHome=", "ProtectHomes=")))

    def test_it_is_exposed_to_little(self):
        done = analyze("security", "--offline=true", "--no-pager", "--threshold=15", str(UNIT))
        self.assertEqual(done.returncode, 0, done.stdout)
        score = re.search(r"exposure level for \S+: (\S+)", done.stdout)[1]
        print(f"\nexposure {score}", end=" ")

    def test_two_instances_share_the_program_alone(self):
        def places(unit):
            """What the unit of this name reads and makes: files and directories."""
            lines = [line for line in UNIT.read_text().replace("%N", unit).splitlines() if not line.startswith("#")]
            return {place for line in lines
                    for place in re.findall(r"(?<![%\w])/[a-z]\S*|(?<=^RuntimeDirectory=).+", line)}
        one, another = places("backpack-bridge"), places("backpack-bridge@btc")
        self.assertLessEqual({"/etc/backpack-bridge/bridge.json", "/etc/backpack-bridge/secret_key",
                              "backpack-bridge"}, one)
        self.assertEqual(one & another, {"/usr/local/bin/backpack-bridge", "/bin/kill"})

    def test_it_starts_with_public_streams_and_without_any_key(self):
        """What SetCredential gives where LoadCredential finds no file is no key to the bridge."""
        text = UNIT.read_text()
        loaded = dict(re.findall(r"^LoadCredential=(\w+):(.*)$", text, re.MULTILINE))
        given = dict(re.findall(r"^SetCredential=(\w+):(.*)$", text, re.MULTILINE))
        self.assertEqual(set(given), set(loaded))  # a missing file without a default keeps the unit from starting
        self.assertEqual(set(given.values()), {r"\n"})
        named = dict(re.findall(r"^Environment=(BACKPACK_\w+)=%d/(\w+)$", text, re.MULTILINE))
        self.assertEqual(set(named.values()), set(given))
        with tempfile.TemporaryDirectory() as directory:
            for name, value in given.items():
                pathlib.Path(directory, name).write_text(value.encode().decode("unicode_escape"))
            environment = clean_environment(**{variable: f"{directory}/{name}" for variable, name in named.items()})
            for example, status in ("public.json", 0), ("account.json", 2):
                done = subprocess.run([BRIDGE, "check", "--config", ROOT / "deploy/examples" / example],
                                      env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False)
                self.assertEqual(done.returncode, status, done.stderr)
        for variable in named:
            self.assertIn(f"config: {variable}: names a file that is empty; ", done.stderr)

    def test_stays_down_where_the_configuration_is_wrong(self):
        self.assertIn("RestartPreventExitStatus=2\n", UNIT.read_text())


class SandboxedBridge(Bridge):
    """Under the filters of system calls that the unit asks for."""

    def command(self):
        return [sys.executable, str(SANDBOX), str(UNIT), BRIDGE]


@unittest.skipIf(IS_SANITIZED, "a sanitizer makes system calls of its own")
class SandboxTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("systemd-analyze"):
            raise unittest.SkipTest("no systemd-analyze here, which knows the groups of calls: apt install systemd")
        tried = subprocess.run([sys.executable, SANDBOX, UNIT, "/bin/true"], capture_output=True, text=True,
                               timeout=DEADLINE, check=False)
        if tried.returncode == 77:
            raise unittest.SkipTest(tried.stderr.strip())
        assert tried.returncode == 0, tried.stderr

    def test_the_bridge_lives_its_whole_life_with_the_system_calls_that_the_unit_allows(self):
        streams = ["trade.SOL_USDC", "account.orderUpdate"]
        with Exchange() as exchange, tempfile.TemporaryDirectory() as directory:
            local = f"ipc://{directory}/public"
            with SandboxedBridge(exchange, streams, BRIDGE_PUBLISH__LINGER_MS="60000",
                                 BRIDGE_PUBLISH__PUBLIC__BIND=f"tcp://127.0.0.1:*,{local}") as bridge:
                self.assertRegex(pathlib.Path(f"/proc/{bridge.pid}/status").read_text(), r"Seccomp:\t2\n")
                exchange.wait_for_subscriptions(streams)
                with Consumer(bridge.public) as consumer, Consumer(local) as neighbour, \
                        Consumer(bridge.private) as account:
                    for stream, listeners in zip(streams, ((consumer, neighbour), (account,))):
                        exchange.publish(stream, '{"e":"x"}')
                        for listener in listeners:
                            [message] = listener.take(1)
                            self.assertEqual(message.topic, stream)
                    for page in "/livez", "/readyz", "/status", "/metrics", "/":
                        self.assertEqual(bridge.get(page)[0], 200, page)
                    exchange.fault("drop")
                    wait_until(lambda: bridge.status()["connection"] == 2, "connected again")
                    bridge.send(signal.SIGHUP)
                    bridge.wait_for_line("(?<!not )reloaded")
                    bridge.send(signal.SIGTERM)
                    account.wait_for_status("shutdown")
                self.assertEqual(bridge.stop(), 0)

    def test_a_call_that_the_unit_forbids_would_be_missed(self):
        """What libzmq aborts without."""
        without = UNIT.read_text().replace("SystemCallFilter=sched_setscheduler setpriority\n", "")
        self.assertNotEqual(without, UNIT.read_text())
        with Exchange() as exchange, tempfile.NamedTemporaryFile("w") as unit:
            unit.write(without)
            unit.flush()
            command = [sys.executable, str(SANDBOX), unit.name, BRIDGE]
            with Program(command, exchange.environment(BRIDGE_UPSTREAM__STREAMS="trade.SOL_USDC")) as bridge:
                wait_until(lambda: not bridge.is_running, "the end")
                self.assertEqual(bridge.stop(), -signal.SIGABRT)


if __name__ == "__main__":
    unittest.main()
