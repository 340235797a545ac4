"""What docker-compose.yml and its companions add up to, as far as no engine is needed to tell."""

import contextlib
import copy
import json
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.request

import yaml

from configured_bridge import ConfiguredBridge
from harness import DEADLINE, ROOT, Exchange, Program, clean_environment, free_port, wait_until
from nats_client import SERVER, NatsClient

COMPOSE_FILE = ROOT / "docker-compose.yml"
SHARD_FILE = ROOT / "deploy/examples/compose-shard.yml"


class Replacement:
    """A value with the tag !override or !reset: it takes the place of what was there."""

    def __init__(self, value):
        self.value = value


class Loader(yaml.SafeLoader):
    pass


def replacement(loader, node):
    is_mapping = isinstance(node, yaml.MappingNode)
    return Replacement(loader.construct_mapping(node) if is_mapping else loader.construct_sequence(node))


Loader.add_constructor("!override", replacement)
Loader.add_constructor("!reset", replacement)


def load(path):
    return yaml.load(path.read_text(), Loader)["services"]


def with_defaults(value):
    """What is left of ${NAME:-DEFAULT} where nothing is set."""
    if isinstance(value, dict):
        return {name: with_defaults(part) for name, part in value.items()}
    if isinstance(value, list):
        return [with_defaults(part) for part in value]
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) if isinstance(value, str) else value


def extended(service, change):
    """As `extends` does, of what the shard changes."""
    result = copy.deepcopy(service)
    for name, value in change.items():
        if name != "extends":
            assert isinstance(value, Replacement), f"{name} would be added to what `bridge` has"
            result[name] = value.value
    return result


def shard():
    """The name of the second bridge that README tells to make beside the first, the first, and the second."""
    [(name, change)] = load(SHARD_FILE).items()
    bridge = load(COMPOSE_FILE)["bridge"]
    return name, with_defaults(bridge), with_defaults(extended(bridge, change))


class ComposeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.services = with_defaults(load(COMPOSE_FILE))

    def test_what_an_operator_edits_is_mounted_by_its_directory(self):
        """An editor that replaces a file leaves the old one mounted."""
        for service in "bridge", "prometheus":
            for volume in self.services[service]["volumes"]:
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((ROOT / source).is_dir(), volume)

    def test_prometheus_finds_a_place_for_its_targets_in_a_directory_that_it_cannot_write(self):
        [config] = [volume for volume in self.services["prometheus"]["volumes"] if ":/etc/prometheus:ro" in volume]
        [targets] = [volume for volume in self.services["prometheus"]["volumes"] if ":/etc/prometheus/" in volume]
        source, place, _ = targets.split(":")
        self.assertTrue((ROOT / config.split(":")[0] / place.removeprefix("/etc/prometheus/")).is_dir(), targets)
        scrape = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"][0]
        [pattern] = scrape["file_sd_configs"][0]["files"]
        for directory in source, "deploy/prometheus/targets":
            [file] = (ROOT / directory).parent.glob(pattern)
            self.assertEqual(file.parent, (ROOT / directory).resolve())

    def test_a_signal_that_docker_sends_is_not_the_end_of_restarts(self):
        """Docker takes any signal for a stop by hand, unless the image says which one is."""
        self.assertEqual(self.services["bridge"]["restart"], "always")
        runtime = re.search(r" AS runtime\n(.*?)\nFROM ", (ROOT / "Dockerfile").read_text(), re.DOTALL)[1]
        self.assertIn("\nSTOPSIGNAL SIGTERM\n", runtime)

    def test_the_profile_jetstream_starts_a_server_that_stores_what_the_bridge_hands_it(self):
        """Debian's server in place of the image's, with the options of the one and on other ports, and the key of
        bridge.json that README gives."""
        service = self.services["nats"]
        self.assertEqual(service["profiles"], ["jetstream"])
        self.assertRegex(service["image"], r"^nats:2[.]\d+[.]\d+-alpine$")
        [[_, inside]] = [port.rsplit(":", 2)[1:] for port in service["ports"]]
        [[_, folder]] = [volume.split(":") for volume in service["volumes"]]
        readme = (ROOT / "README.md").read_text()
        [text] = re.findall(r'^"publish": (\{ "jetstream": \{ "servers": .*)$', readme, re.MULTILINE)
        self.assertIn(f"nats://nats:{inside}", text)  # a service's name is its host's
        with contextlib.ExitStack() as stack:
            ours = stack.enter_context(tempfile.TemporaryDirectory(prefix="nats-"))
            port, health_port = free_port(), free_port()
            place = {folder: ours, "8222": str(health_port)}
            options = [re.sub("|".join(place), lambda found: place[found[0]], option) for option in service["command"]]
            self.assertIn(f"--store_dir={ours}", options)
            server = stack.enter_context(
                Program([SERVER, "--addr", "127.0.0.1", "--port", str(port), *options], clean_environment()))
            server.wait_for_line("Server is ready")
            health = service["healthcheck"]["test"][-1].replace("8222", str(health_port))
            with urllib.request.urlopen(health, timeout=DEADLINE) as answer:
                self.assertEqual(answer.status, 200)
            publish = json.loads(text.replace(f"nats:{inside}", f"127.0.0.1:{port}"))
            exchange = stack.enter_context(Exchange())
            stack.enter_context(
                ConfiguredBridge(exchange, ["trade.SOL_USDC"], f"{ours}/bridge.json", {"publish": publish}))
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            exchange.publish("trade.SOL_USDC", '{"t":1}')
            [(_, sent)] = wait_until(exchange.sent, "the message to be on its way")
            with NatsClient(port) as client:
                client.wait_for_payload("BACKPACK", "backpack.trade.SOL_USDC", sent)
            self.assertTrue(list(pathlib.Path(ours).rglob("BACKPACK")), "stored elsewhere")

    def test_the_configuration_that_env_example_offers_is_none_of_gits(self):
        lines = (ROOT / ".env.example").read_text().splitlines()
        [config] = [line.partition("=")[2] for line in lines if line.startswith("# BACKPACK_CONFIG=")]
        self.assertIn("${BACKPACK_CONFIG:-", COMPOSE_FILE.read_text())
        self.assertTrue(config.startswith("./"), config)
        if not (ROOT / ".git").exists():
            self.skipTest("no checkout of git's")
        for directory in config, "./config-btc":
            ignored = subprocess.run(["git", "check-ignore", "--quiet", f"{directory}/bridge.json"], cwd=ROOT,
                                     check=False)
            self.assertEqual(ignored.returncode, 0, directory)


class ShardTest(unittest.TestCase):
    """That docker compose makes the same of it is shown where there is an engine."""

    @classmethod
    def setUpClass(cls):
        _, cls.bridge, cls.shard = shard()

    def test_takes_neither_streams_nor_keys_that_are_the_other_ones(self):
        self.assertIn("/selected/streams", self.bridge["command"])
        self.assertFalse([part for part in self.shard["command"] if "/selected" in part])
        self.assertEqual((self.shard["environment"], self.shard["secrets"], self.shard["labels"]), ({}, [], {}))

    def test_has_ports_and_a_configuration_of_its_own(self):
        def published(service):
            return {port.rpartition(":")[0] for port in service["ports"]}
        self.assertEqual(published(self.bridge) & published(self.shard), set())
        self.assertTrue(all(port.startswith("127.0.0.1:") for port in published(self.shard)))
        self.assertEqual(set(self.bridge["volumes"]) & set(self.shard["volumes"]), set())
        [place] = [volume.split(":")[1] for volume in self.shard["volumes"]]
        self.assertIn(place, [volume.split(":")[1] for volume in self.bridge["volumes"]])
        self.assertEqual(self.shard["command"], ["--config", f"{place}/bridge.json"])

    def test_is_the_same_in_all_else(self):
        own = {"command", "environment", "labels", "secrets", "volumes", "ports"}
        self.assertEqual({name: value for name, value in self.shard.items() if name not in own},
                         {name: value for name, value in self.bridge.items() if name not in own})


if __name__ == "__main__":
    unittest.main()
