#!/usr/bin/env python3
"""Takes the pictures of the status page that README shows: screenshots.py DIRECTORY, which is deploy."""

import pathlib
import sys
import time

from browser import Browser
from harness import Bridge, Consumer, Exchange, wait_until
from status_page import Page
from status_page_test import MARKETS, STREAMS

DESKTOP, PHONE = (1000, 720), (390, 780)


def take_all(directory):
    with Exchange(*MARKETS) as exchange, Bridge(exchange, STREAMS) as bridge, \
            Consumer(bridge.public), Consumer(bridge.private), Browser() as browser:
        exchange.wait_for_subscriptions(STREAMS)
        page = Page(browser)
        browser.command("Emulation.setScrollbarsHidden", hidden=True)
        page.open(bridge, DESKTOP)
        for second in range(60):  # a curve to look at
            exchange.rate(150 + 100 * (second % 7))
            time.sleep(1)

        def take(name, size, scheme):
            browser.resize(*size)
            browser.prefer(scheme)
            time.sleep(1.5)  # the page has looked again
            browser.screenshot(directory / f"status-page-{name}.png")

        take("light", DESKTOP, "light")
        take("dark", DESKTOP, "dark")
        take("phone", PHONE, "light")
        exchange.fault("refuse")
        exchange.fault("drop")
        wait_until(lambda: page.level() == "red", "red")
        time.sleep(5)
        take("red", DESKTOP, "light")


if __name__ == "__main__":
    take_all(pathlib.Path(sys.argv[1]))
