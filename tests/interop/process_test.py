"""The bridge as the system sees it."""

import pathlib
import unittest

from harness import Bridge, Exchange, wait_until


class ThreadsTest(unittest.TestCase):
    def test_are_called_by_what_they_do(self):
        nowhere = {"BRIDGE_PUBLISH__JETSTREAM__SERVERS": "nats://127.0.0.1:1"}
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"], **nowhere) as bridge:
            def names():
                tasks = pathlib.Path(f"/proc/{bridge.pid}/task").iterdir()
                return {(task / "comm").read_text().strip() for task in tasks}

            wanted = {"backpack-bridge", "ZMQbg/IO/0", "doorkeeper", "observing", "log", "jetstream"}
            wait_until(lambda: wanted <= names(), f"threads called {', '.join(sorted(wanted))}")


if __name__ == "__main__":
    unittest.main()
