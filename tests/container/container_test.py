"""The image, and the composed stack of the demo, as an operator sees them."""

import contextlib
import json
import os
import re
import shlex
import subprocess
import time
import unittest

import compose_test
import docker_client as engine
from dashboards_test import load_dashboards, queries, substitute
from docker_client import docker, inspect
from harness import IS_HEAVY, KEYS, ROOT, clean_environment, leave_out, wait_until
from stack import COMPOSE_FILE, PROJECT, Stack, container, example_environment, seconds

IMAGE = "backpack-bridge:test"
CONSUMER = "backpack-bridge-consumer:test"
ACCOUNT = ("account.orderUpdate", "account.positionUpdate", "account.balanceUpdate")
SEALED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none")
MEGABYTE = 1e6
RATE = 20_000  # messages a second
STREAMS = [f"{kind}.{base}_USDC" for kind in ("bookTicker", "ticker") for base in
           (f"COIN{number}" for number in range(250))]
IS_SHORT = os.environ.get("BPX_SHORT") == "1"
MINUTES = float(os.environ.get("BPX_LOAD_MINUTES", "0.5"))


def frame(number):
    """A message like the exchange's, of those without ids of its own: played again, they do not jump."""
    stream = STREAMS[number % len(STREAMS)]
    kind, symbol = stream.split(".")
    text = {"A": f"{number % 97}.70", "B": "288.77", "E": 1788367430323775 + number, "T": 1788367430322731 + number,
            "a": f"{90 + number % 9}.97", "b": "98.96", "e": kind, "s": symbol,
            "u": 4330361000 + number}
    return json.dumps({"data": text, "stream": stream}, separators=(",", ":"))


def run(*arguments):
    return docker("run", "--rm", *SEALED, *arguments)


class ShardTest(unittest.TestCase):
    @staticmethod
    def compose(*arguments):
        """What it says on its output, without its warnings."""
        return subprocess.run(["docker", "compose", *arguments], text=True, stdout=subprocess.PIPE, timeout=300,
                              env=clean_environment(BRIDGE_UPSTREAM__STREAMS="trade.SOL_USDC"), check=True).stdout

    def test_compose_makes_of_it_what_its_file_adds_up_to(self):
        version = self.compose("version", "--short").strip().lstrip("v")
        if tuple(map(int, re.findall(r"\d+", version)[:3])) < (2, 24, 4):
            leave_out(f"what docker compose makes of the shard: {version} does not know its tags, 2.24.4 does")
        name, _, expected = compose_test.shard()
        services = json.loads(self.compose(
            "--project-directory", str(ROOT), "--file", str(COMPOSE_FILE), "--file", str(compose_test.SHARD_FILE),
            "--env-file", "/dev/null", "config", "--format", "json"))["services"]
        self.assertEqual(services["select"]["environment"]["BRIDGE_UPSTREAM__STREAMS"], "trade.SOL_USDC")
        self.assertEqual(services["bridge"]["labels"]["streams"], "trade.SOL_USDC")
        shard = services[name]
        self.assertFalse(shard.get("environment") or shard.get("secrets"), shard)
        self.assertEqual([f"{port['host_ip']}:{port['published']}:{port['target']}" for port in shard["ports"]],
                         expected["ports"])
        self.assertEqual([f"./{os.path.relpath(volume['source'], ROOT)}:{volume['target']}:ro"
                          for volume in shard["volumes"] if volume["read_only"]], expected["volumes"])
        for key in "read_only", "cap_drop", "security_opt", "restart", "image":
            self.assertEqual(shard[key], services["bridge"][key], key)


class ImageTest(unittest.TestCase):
    def test_is_little_more_than_its_base(self):
        total = inspect(IMAGE)["Size"] / MEGABYTE
        base = inspect("debian:bookworm-slim")["Size"] / MEGABYTE
        print(f"\nimage {total:.1f} MB, {total - base:.1f} MB above its base", end=" ")
        self.assertLess(total, 110)
        self.assertLess(total - base, 35)

    def test_tells_the_version_and_the_commit(self):
        version = re.search(r"project\(\S+\s+VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
        labels = inspect(IMAGE)["Config"]["Labels"]
        revision = labels["org.opencontainers.image.revision"]
        self.assertRegex(revision, r"^([0-9a-f]{40}|unknown)$")
        self.assertEqual(labels["org.opencontainers.image.version"], version)
        self.assertEqual(run(IMAGE, "--version"), f"backpack-bridge {version} ({revision})\n")

    def test_is_configured_for_no_shell_and_no_root(self):
        config = inspect(IMAGE)["Config"]
        self.assertEqual(config["Entrypoint"], ["/usr/local/bin/backpack-bridge"])
        self.assertEqual(config["Healthcheck"]["Test"], ["CMD", "/usr/local/bin/backpack-bridge", "healthcheck"])
        self.assertRegex(config["User"], r"^[1-9]\d*:[1-9]\d*$")
        self.assertEqual(config["StopSignal"], "SIGTERM")

    @unittest.skipIf(IS_SHORT, "the image is built once alone")
    def test_holds_the_same_program_with_and_without_buildkit(self):
        sums = {docker("run", "--rm", "--entrypoint", "/usr/bin/sha256sum", image,
                       "/usr/local/bin/backpack-bridge")
                for image in (IMAGE, "backpack-bridge-without-buildkit:test")}
        self.assertEqual(len(sums), 1, sums)

    def test_holds_a_stripped_program_and_no_compiler(self):
        found = run("--entrypoint", "/usr/bin/find", IMAGE, "/usr/bin", "/usr/local", "-name", "*g++*", "-o",
                    "-name", "cmake*", "-o", "-name", "*python*", "-o", "-name", "curl")
        self.assertEqual(found, "")
        size = int(run("--entrypoint", "/usr/bin/stat", IMAGE, "--format=%s", "/usr/local/bin/backpack-bridge"))
        self.assertLess(size, 10 * MEGABYTE)

    def test_trusts_whom_debian_trusts_where_openssl_looks(self):
        trusted = run("--entrypoint", "/usr/bin/find", IMAGE, "-L", "/usr/lib/ssl/certs", "-name", "*.0", "-size", "+0")
        self.assertGreater(len(trusted.splitlines()), 100)

    def test_says_what_is_wrong_with_its_configuration(self):
        status, text = engine.status_of("run", "--rm", *SEALED, IMAGE, "check")
        self.assertEqual(status, 2)
        self.assertIn("upstream.streams: no stream is wanted", text)


class StackTest(unittest.TestCase):
    """One stack for all; the tests leave it as they found it. It is the demo's though .env says what to carry live."""

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(**example_environment())
        cls.stack.clear()
        cls.addClassCleanup(cls.stack.down)
        services = ["prometheus", "bridge", "consumer", "account-consumer"]
        if cls.stack.has_grafana:
            services.append("grafana")
        cls.stack.up(*services)
        cls.stack.wait_for_health("bridge", "healthy")

    def test_becomes_healthy_soon(self):
        self.stack.compose("restart", "bridge")
        self.stack.wait_for_health("bridge", "healthy")
        state = self.stack.inspect("bridge")["State"]
        started = seconds(state["StartedAt"])
        took = min(seconds(check["End"]) - started for check in state["Health"]["Log"]
                   if check["ExitCode"] == 0 and seconds(check["Start"]) > started)
        print(f"\nhealthy {took:.1f} s after its start", end=" ")
        if IS_HEAVY:
            self.assertLess(took, 10)

    def test_consumers_in_other_containers_get_public_and_private_messages(self):
        for service, stream in (("consumer", "trade.SOL_USDC"), ("account-consumer", "account.orderUpdate")):
            wait_until(lambda service=service, stream=stream:
                       re.search(rf'^{re.escape(stream)} \d+ \d+ {{.*"stream":"{re.escape(stream)}"}}$',
                                 self.stack.logs(service), re.MULTILINE),
                       f"{service}: a message of {stream}")

    def test_account_data_comes_to_nobody_without_an_admitted_key(self):
        server_key = docker("run", "--rm", "--volume", f"{PROJECT}_demo-consumer:/keys:ro", "--entrypoint",
                            "/usr/bin/cat", IMAGE, "/keys/server_key").strip()
        # The pair that ZeroMQ's documents print.
        stranger = ROOT / "build/container/stranger.key"
        stranger.write_text("public_key rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n"
                            "secret_key JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6\n")
        refused = 'backpack_bridge_auth_failures_total{endpoint="private"'
        before = self.stack.metric(refused)
        with container("plain", CONSUMER, "tcp://bridge:5556", *ACCOUNT) as plain, \
                container("public", CONSUMER, "tcp://bridge:5555", *ACCOUNT) as public, \
                container("stranger", "--volume", f"{stranger}:/stranger.key:ro", CONSUMER, "tcp://bridge:5556",
                          *ACCOUNT, "--curve-server-key", server_key, "--curve-secret-key-file",
                          "/stranger.key") as unknown:
            wait_until(lambda: self.stack.metric(refused) > before, "the stranger's refusal")
            had = self.received("account-consumer")
            wait_until(lambda: self.received("account-consumer") > had + 10, "messages to whom they are for")
            for name in plain, public, unknown:
                self.assertTrue(inspect(name)["State"]["Running"], docker("logs", name))
                self.assertNotRegex(docker("logs", name), r"(?m)^account\.")

    def received(self, service):
        return len(re.findall(r"(?m)^account\.", self.stack.logs(service)))

    def test_prometheus_has_the_bridges_series(self):
        self.stack.wait_for_health("prometheus", "healthy")
        wait_until(lambda: self.stack.query('up{job="backpack-bridge"} == 1'), "a scrape of the bridge")
        wait_until(lambda: self.stack.query('rate(backpack_bridge_received_messages_total[1m]) > 0'),
                   "a rate of messages")
        rules = json.loads(self.stack.get("PROMETHEUS_PORT", "/api/v1/rules")[1])["data"]["groups"]
        self.assertTrue(any(rule["name"] == "BackpackBridgeDown" for group in rules for rule in group["rules"]))

    def test_every_query_of_the_dashboards_returns_data(self):
        for name, dashboard in load_dashboards().items():
            events = {annotation["name"] for annotation in dashboard["annotations"]["list"]}
            for what, expression in queries(dashboard):
                with self.subTest(dashboard=name, query=what):
                    if what in events:  # which need not have happened
                        self.stack.query(substitute(expression))
                    else:
                        wait_until(lambda expression=expression: self.stack.query(substitute(expression)),
                                   expression)

    def test_grafana_has_the_dashboards(self):
        if not self.stack.has_grafana:
            self.skipTest("no image of Grafana can be had here")
        wait_until(lambda: "overview" in self.dashboards(), "the dashboards")

    def dashboards(self):
        try:
            return self.stack.get("GRAFANA_PORT", "/api/search", type="dash-db")[1]
        except OSError:
            return ""

    def test_a_killed_exchange_makes_it_unhealthy_until_the_exchange_is_back(self):
        before = self.stack.inspect("bridge")
        self.stack.compose("kill", "exchange")
        self.stack.wait_for_health("bridge", "unhealthy")
        self.stack.up("exchange")
        self.stack.wait_for_health("bridge", "healthy")
        after = self.stack.inspect("bridge")
        self.assertEqual((after["Id"], after["RestartCount"], after["State"]["StartedAt"]),
                         (before["Id"], before["RestartCount"], before["State"]["StartedAt"]))

    def test_ends_in_order_and_soon_at_sigterm(self):
        bridge = self.stack.id("bridge")
        began = time.monotonic()
        docker("kill", "--signal", "TERM", bridge)
        status = docker("wait", bridge).strip()
        took = time.monotonic() - began
        try:
            print(f"\nended {took:.2f} s after SIGTERM", end=" ")
            self.assertEqual(status, "0")
            if IS_HEAVY:
                self.assertLess(took, 2)
        finally:
            self.stack.up("bridge")
            self.stack.wait_for_health("bridge", "healthy")

    def test_comes_back_after_its_death_though_it_was_reloaded_before(self):
        """A signal that Docker sends to reload it could count as a stop by hand, after which nothing restarts it."""
        [command] = set(re.findall(r"`docker compose (\w+ .*HUP.*?)`", (ROOT / "README.md").read_text()))
        self.stack.compose(*shlex.split(command))
        wait_until(lambda: re.search(r"(?<!not )reloaded", self.stack.logs("bridge")), "reloaded")
        before = self.stack.inspect("bridge")
        # By a container that sees the engine's processes: those of this machine need not be the same.
        docker("run", "--rm", "--pid", "host", "--user", "0:0", "--network", "none", "--entrypoint", "/usr/bin/sh",
               IMAGE, "-c", f"kill -KILL {before['State']['Pid']}")
        wait_until(lambda: self.is_back_after(before), "healthy after a restart", 180)
        self.assertGreater(self.stack.inspect("bridge")["RestartCount"], before["RestartCount"])

    def is_back_after(self, before):
        now = self.stack.inspect("bridge")
        return (now["State"]["StartedAt"] != before["State"]["StartedAt"] and
                now["State"]["Health"]["Status"] == "healthy")

    def test_can_write_nothing_and_has_no_privileges(self):
        bridge = self.stack.inspect("bridge")
        self.assertTrue(bridge["HostConfig"]["ReadonlyRootfs"])
        status = dict(line.split(":\t", 1) for line in self.inside("cat", "/proc/1/status").splitlines()
                      if ":\t" in line)
        self.assertEqual({status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
                         {"0" * 16})
        self.assertEqual((status["NoNewPrivs"], status["Uid"].split()), ("1", ["10001"] * 4))
        # Message queues look as if they could be made; the limit says that none can.
        self.assertRegex(self.inside("cat", "/proc/1/limits"), r"(?m)^Max msgqueue size +0 +0 ")
        writable = self.inside("find", "/", "(", "-path", "/proc", "-o", "-path", "/sys", "-o", "-path",
                               "/dev/mqueue", ")", "-prune", "-o",
                               "-writable", "!", "-type", "l", "!", "-type", "c", "-print", check=False)
        found = [line for line in writable.splitlines() if "Permission denied" not in line]
        self.assertEqual(found, [])

    def inside(self, *command, check=True):
        return docker("exec", self.stack.id("bridge"), *command, check=check)

    def test_needs_no_shell(self):
        """The same container without any shell, health check included."""
        image = "backpack-bridge-without-shell:test"
        text = (f"FROM {IMAGE}\nUSER 0:0\n"
                'RUN ["/usr/bin/rm", "/usr/bin/sh", "/usr/bin/bash", "/usr/bin/dash"]\nUSER 10001:10001\n')
        built = subprocess.run(["docker", "build", "--tag", image, "-"], input=text, text=True, check=False,
                               env={**os.environ, "DOCKER_BUILDKIT": "0"}, timeout=300,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(built.returncode, 0, built.stdout)
        with self.another_bridge("without-shell", image) as name:
            self.assertNotEqual(engine.status_of("exec", name, "/bin/sh", "-c", "true")[0], 0)

    @contextlib.contextmanager
    def another_bridge(self, name, image, *options, **environment):
        """One more for the demo's exchange, as soon as it is healthy."""
        settings = [part for key, value in {**KEYS, **environment}.items() for part in ("--env", f"{key}={value}")]
        with container(name, "--volume", f"{PROJECT}_demo-bridge:/demo:ro", *settings, *options,
                       image, "--config", "/demo/bridge.json") as running:
            wait_until(lambda: inspect(running)["State"]["Health"]["Status"] == "healthy", "healthy", 180)
            yield running

    def test_runs_without_ipv6(self):
        with self.another_bridge("without-ipv6", IMAGE, "--sysctl", "net.ipv6.conf.all.disable_ipv6=1") as name:
            self.assertEqual(docker("exec", name, "cat", "/proc/sys/net/ipv6/conf/all/disable_ipv6"), "1\n")

    def test_passes_over_what_orchestrators_say_of_a_service_called_bridge(self):
        """Kubernetes and old links of Docker put these into every container beside it."""
        told = {"BRIDGE_SERVICE_HOST": "10.0.0.1", "BRIDGE_PORT": "tcp://10.0.0.1:5555",
                "BRIDGE_PORT_5555_TCP_PROTO": "tcp"}
        with self.another_bridge("of-an-orchestrator", IMAGE, **told) as name:
            warnings = [line for line in docker("logs", name).splitlines() if "BRIDGE_" in line]
            self.assertEqual(len(warnings), 1, warnings)
            self.assertTrue(all(variable in warnings[0] for variable in told), warnings)

    def test_no_secret_shows_anywhere(self):
        keys = docker("run", "--rm", "--user", "0:0", "--volume", f"{PROJECT}_demo-bridge:/demo:ro",
                      "--volume", f"{PROJECT}_demo-consumer:/consumer:ro", "--entrypoint", "/usr/bin/cat",
                      IMAGE, "/demo/curve.key", "/consumer/consumer.key")
        secrets = [KEYS["BACKPACK_SECRET_KEY"], *re.findall(r"^secret_key (\S+)$", keys, re.MULTILINE)]
        self.assertEqual(len(secrets), 3)
        shown = {
            "inspect": json.dumps(self.stack.inspect("bridge")) + json.dumps(inspect(IMAGE)),
            "history": docker("history", "--no-trunc", IMAGE),
            "logs": self.stack.logs("bridge") + self.stack.logs("consumer") + self.stack.logs("account-consumer"),
            "compose": self.stack.compose("config"),
            "environment": self.inside("cat", "/proc/self/environ"),
        }
        for page in ("/status", "/", "/metrics", "/readyz"):
            shown[page] = self.stack.get("BACKPACK_HTTP_PORT", page)[1]
        for place, text in shown.items():
            self.assertTrue(text, place)
            for secret in secrets:
                for form in (secret, json.dumps(secret)[1:-1], secret.rstrip("=")):
                    self.assertFalse(form in text, f"a secret shows in {place}")

    def test_publishes_ports_on_loopback_alone(self):
        services = json.loads(self.stack.compose("config", "--format", "json"))["services"]
        for name, service in services.items():
            for port in service.get("ports", []):
                self.assertEqual(port.get("host_ip"), "127.0.0.1", name)
        self.assertEqual(len(services["bridge"]["ports"]), 3)

    def test_bakes_in_the_commit_that_it_is_told_and_says_where_it_is_told_none(self):
        for settings, revision in ({"REVISION": ""}, "unknown"), ({"REVISION": "f00d"}, "f00d"):
            services = json.loads(self.stack.compose("config", "--format", "json", **settings))["services"]
            self.assertEqual(services["bridge"]["build"]["args"]["REVISION"], revision)
        defaults = re.findall(r"^ARG REVISION=(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        self.assertEqual(set(defaults), {"unknown"})

    def test_starts_live_without_any_file_but_the_projects(self):
        """`docker compose up` on a fresh host: its configuration is right, and it wants the real exchange."""
        live = ["compose", "--project-name", f"{PROJECT}-live", "--file", str(COMPOSE_FILE), "--env-file", "/dev/null"]
        self.addCleanup(docker, *live, "down", "--volumes", env=self.stack.environment)
        text = docker(*live, "run", "--rm", "bridge", "check", "--config", "/selected/bridge.json", "--env-file",
                      "/selected/streams", env=self.stack.environment)
        for stream in example_environment()["BRIDGE_UPSTREAM__STREAMS"].split(","):
            self.assertIn(f'"{stream}"', text)
        self.assertIn('"wss://ws.backpack.exchange"', text)
        self.assertIn("tcp://*:5555", text)

    def test_memory_stays_below_its_limit_at_20000_messages_a_second_of_500_streams(self):
        # The consumers of the demo print everything: they are too slow for this, and not what is measured.
        self.stack.compose("stop", "consumer", "account-consumer")
        frames = ROOT / "build/container/frames"
        frames.write_text("".join(frame(number) + "\n" for number in range(10_000)))
        try:
            self.stack.up("exchange", "bridge", over=[ROOT / "tests/container/load.yml"],
                          LOAD_RATE=str(RATE * 21 // 20), LOAD_STREAMS=",".join(STREAMS))
            self.stack.wait_for_health("bridge", "healthy")
            with container("follower", "--log-driver", "none", IMAGE, "tail", "--connect", "tcp://bridge:5555",
                           "--format", "raw"):
                received, memory, took = self.load(MINUTES * 60)
            state = self.stack.inspect("bridge")
            limit = state["HostConfig"]["Memory"]
            carried = json.loads(self.stack.get("BACKPACK_HTTP_PORT", "/status")[1])["streams"]
            self.assertEqual({stream["state"] for stream in carried}, {"live"})
            self.assertEqual(len(carried), len(STREAMS))
            print(f"\n{received / took:,.0f} messages a second for {took:.0f} s: {max(memory) / MEGABYTE:.0f} MB "
                  f"at most, {memory[-1] / MEGABYTE:.0f} MB at the end; the limit is {limit / MEGABYTE:.0f} MB",
                  end=" ")
            self.assertGreaterEqual(received / took, RATE if IS_HEAVY else 1)
            self.assertLess(max(memory), limit)
            self.assertEqual((state["RestartCount"], state["State"]["OOMKilled"]), (0, False))
        finally:
            self.stack.up("exchange", "bridge", "consumer", "account-consumer")
            self.stack.wait_for_health("bridge", "healthy")

    def load(self, duration):
        """Messages received, memory in use once a second, seconds that it took."""
        metric = "backpack_bridge_received_messages_total"
        wait_until(lambda: self.stack.metric("backpack_bridge_upstream_connected") == 1, "connected")
        before, began, memory = self.stack.metric(metric), time.monotonic(), []
        while time.monotonic() < began + duration:
            memory.append(self.stack.metric("process_resident_memory_bytes"))
            time.sleep(1)
        return self.stack.metric(metric) - before, memory, time.monotonic() - began


if __name__ == "__main__":
    unittest.main()
