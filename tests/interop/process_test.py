"""The bridge as the system sees it: which threads it has, and whose memory its messages lie in."""

import contextlib
import pathlib
import re
import subprocess
import unittest

from harness import BRIDGE, DEADLINE, Bridge, Exchange, clean_environment, wait_until


class ThreadsTest(unittest.TestCase):
    ALWAYS = {"backpack-bridge", "ZMQbg/IO/0", "doorkeeper", "observing", "log"}

    @staticmethod
    def names(bridge):
        names = set()
        for task in pathlib.Path(f"/proc/{bridge.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                names.add((task / "comm").read_text().strip())
        return names

    def wait_for(self, bridge, wanted):
        wait_until(lambda: wanted <= self.names(bridge), f"threads called {', '.join(sorted(wanted))}")

    def test_are_called_by_what_they_do(self):
        nowhere = {"BRIDGE_PUBLISH__JETSTREAM__SERVERS": "nats://127.0.0.1:1"}
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"], **nowhere) as bridge:
            self.wait_for(bridge, self.ALWAYS | {"jetstream"})

    def test_are_none_of_jetstreams_where_that_is_off(self):
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge:
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            self.wait_for(bridge, self.ALWAYS)
            self.assertNotIn("jetstream", self.names(bridge))


class AllocatorTest(unittest.TestCase):
    def test_is_mimalloc_for_every_library(self):
        told = clean_environment(LD_DEBUG="bindings", LD_BIND_NOW="1")
        done = subprocess.run([BRIDGE, "--version"], env=told, text=True, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=True, timeout=DEADLINE)
        if "/libasan.so" in done.stderr or "/libtsan.so" in done.stderr:
            self.skipTest("a sanitizer has an allocator of its own")
        allocations = [line for line in done.stderr.splitlines() if "symbol `malloc'" in line]
        self.assertTrue(any("/libzmq.so" in line.split(" to ")[0] for line in allocations), "libzmq allocates nothing")
        for line in allocations:
            self.assertIn("/libmimalloc.so", line.split(" to ")[1])
        # mimalloc's own, in Debian's build, does not throw where memory runs out: it aborts.
        news = [line for line in done.stderr.splitlines() if re.search("symbol `_Zn[wa]m(St11align_val_t)?'", line)]
        self.assertTrue(news, "nothing calls operator new")
        for line in news:
            self.assertNotIn("/libmimalloc.so", line.split(" to ")[1])


if __name__ == "__main__":
    unittest.main()
