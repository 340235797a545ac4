"""Whether what README and the examples say is so."""

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest

from harness import BRIDGE, DEADLINE, KEYS, ROOT, Bridge, Exchange, Program, clean_environment, wait_until

README = (ROOT / "README.md").read_text()


def check(*options, **settings):
    return subprocess.run([BRIDGE, "check", *options], env=clean_environment(**settings),
                          capture_output=True, text=True, timeout=DEADLINE, check=False)


def flattened(configuration, prefix=""):
    """Key's path → value."""
    flat = {}
    for name, value in configuration.items():
        if isinstance(value, dict):
            flat.update(flattened(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat


def names(value):
    """Of all fields in what JSON holds."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    own = set(value) if isinstance(value, dict) else set()
    return own.union(*map(names, inner))


class ReadmeTest(unittest.TestCase):
    def test_example_prints_the_messages_of_its_stream_and_of_no_other(self):
        block = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
        self.assertLessEqual(len(block.splitlines()), 10)
        streams = ["trade.SOL_USDC", "trade.SOL_USDC_PERP"]
        with Exchange() as exchange, Bridge(exchange, streams) as bridge:
            example = block.replace("tcp://127.0.0.1:5555", bridge.public)
            self.assertNotEqual(example, block)
            exchange.wait_for_subscriptions(streams)
            with Program([sys.executable, "-u", "-c", example], clean_environment()) as consumer:
                for t in range(1, 6):
                    self.publish_until_printed(exchange, streams, consumer, t)
            exchange.come_to_rest()
            sent = [text for stream, text in exchange.sent() if stream == "trade.SOL_USDC"]
            printed = [line for line in consumer.lines if re.match(r"\d+ ", line)]
            for line in printed:
                sequence, lag, payload = re.fullmatch(r"(\d+) (\S+) ms (\{.*\})", line).groups()
                self.assertEqual(payload, sent[int(sequence) - 1])
                float(lag)

    @staticmethod
    def publish_until_printed(exchange, streams, consumer, count):
        """Until the example has subscribed, what is published passes it by."""
        def printed():
            if len(consumer.lines) >= count:
                return True
            for stream in reversed(streams):
                exchange.publish(stream, '{"E":1788367430323775,"t":1}')
            return False
        wait_until(printed, f"{count} lines of the example")

    def test_tables_name_every_key_with_its_default(self):
        defaults = flattened(json.loads(check("--stream", "trade.A").stdout))
        defaults["upstream.streams"] = []
        table = dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]*(?:\\\|[^|]*)?) \|", README,
                                re.MULTILINE))
        for key, default in defaults.items():
            if key in table:
                stated = table[key].strip().strip("`")
                plain = default if isinstance(default, str) else json.dumps(default)
                self.assertIn(stated, (plain, json.dumps(default)), key)
            else:
                group = key.rpartition(".")[0] + ".*"
                self.assertTrue(f"`{key}`" in README or f"`{group}`" in README,
                                f"{key} is missing")
        for key in table:
            if "." in key and key.split(".")[0] in ("upstream", "publish", "http", "log"):
                self.assertIn(key, defaults)

    def test_every_field_of_status_is_in_its_table(self):
        section = re.search(r"^### /status\n.*?^### ", README, re.DOTALL | re.MULTILINE)[0]
        table = set(re.findall(r"`(\w+)`", section))
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge, \
                Program([BRIDGE, "tail", "--connect", bridge.public], clean_environment()):
            wait_until(lambda: bridge.status()["consumers"], "a consumer")
            fields = set(names(bridge.status()))
        self.assertEqual(fields - table - {"public", "private"}, set())

    def test_core_of_a_consumer_is_that_of_the_client(self):
        section = re.search(r"^## Write a consumer.*?^## ", README, re.DOTALL | re.MULTILINE)[0]
        core = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
        client = (ROOT / "deploy/clients/python/consumer.py").read_text()
        for function in core.split("\n\n"):
            self.assertIn(textwrap.indent(function.rstrip("\n"), "    ") + "\n", client)

    def test_quoted_messages_are_the_programs(self):
        quoted = re.findall(r"^\| `(config: [^`]*?)(?: …)?` \|", README, re.MULTILINE)
        self.assertGreater(len(quoted), 4)
        another = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        with tempfile.NamedTemporaryFile() as key_file:
            os.chmod(key_file.name, 0o644)
            open_key = check("--stream", "trade.A",
                             BRIDGE_PUBLISH__PRIVATE__CURVE__SECRET_KEY_FILE=key_file.name)
        said = "".join(attempt.stderr for attempt in (
            open_key,
            check(**{"BRIDGE_…__…": "1", "BRIDGE_UPSTREAM__STREAMS": '"trade.A"'}),
            check(),
            check("--stream", "trade.A", HTTPS_PROXY="socks5://127.0.0.1:1080"),
            check("--stream", "account.orderUpdate"),
            check("--stream", "account.orderUpdate", BACKPACK_SECRET_KEY_FILE="/no/such/key"),
            check("--stream", "account.orderUpdate", BACKPACK_SECRET_KEY_FILE="/dev/null"),
            check("--stream", "account.orderUpdate",
                  BRIDGE_PUBLISH__PRIVATE__BIND="tcp://0.0.0.0:5556", **KEYS),
            check("--stream", "trade.A", **{**KEYS, "BACKPACK_PUBLIC_KEY": another})))
        for line in quoted:
            self.assertIn(line, said)


class ExamplesTest(unittest.TestCase):
    def test_configurations_are_valid(self):
        examples = sorted((ROOT / "deploy/examples").glob("*.json"))
        self.assertTrue(examples)
        for example in examples:
            checked = check("--config", str(example), **KEYS)
            self.assertEqual(checked.returncode, 0, f"{example.name}: {checked.stderr}")
            self.assertNotIn(KEYS["BACKPACK_SECRET_KEY"], checked.stdout + checked.stderr)

    def test_environment_is_valid(self):
        lines = (ROOT / ".env.example").read_text().splitlines()
        settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        checked = check(**settings)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        offered = dict(line[2:].split("=", 1) for line in lines if re.match(r"# [A-Z_]+=", line))
        composed = (ROOT / "docker-compose.yml").read_text()
        for_compose = {name for name in offered if f"${{{name}:-" in composed}
        self.assertEqual(set(offered) - for_compose, {"BRIDGE_PUBLISH__PRIVATE__BIND", *KEYS})
        self.assertEqual(for_compose, {"BACKPACK_CONFIG", "BACKPACK_CURVE_KEY_FILE", *(f"{key}_FILE" for key in KEYS)})
        checked = check(**{**settings, **offered, **KEYS, **{f"{key}_FILE": "" for key in KEYS}})
        self.assertEqual(checked.returncode, 0, checked.stderr)


if __name__ == "__main__":
    unittest.main()
