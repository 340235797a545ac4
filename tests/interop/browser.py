"""A real browser without a window: headless Chromium, driven over WebDriver's plain HTTP.

Needs Debian's chromium and chromium-driver, and nothing else.
"""

import base64
import contextlib
import json
import os
import signal
import urllib.error
import urllib.request

from harness import DEADLINE, Program, wait_until

CHROMIUM = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # A page must not be slowed down for being out of sight: nobody looks at any of them.
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
]

CAPABILITIES = {
    "browserName": "chrome",
    "timeouts": {"script": int(DEADLINE * 1000)},
    "goog:chromeOptions": {"args": CHROMIUM},
    # The console, and every request that goes out.
    "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
}

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's name for a reference to an element


class Browser:
    """One window with one page. Ends with the `with` block, with all of its processes."""

    def __init__(self):
        self._driver = Program(["chromedriver", "--port=0"], dict(os.environ))
        try:
            port = self._driver.wait_for_line(r"started successfully on port (\d+)")[1]
            self._sessions = f"http://127.0.0.1:{port}/session"
            session = self._ask("POST", "", {"capabilities": {"alwaysMatch": CAPABILITIES}}, 5 * DEADLINE)
        except BaseException:
            self._driver.stop()
            raise
        self._session = f"/{session['sessionId']}"
        self._process = session["capabilities"]["goog:processID"]

    def _ask(self, method, path, body=None, deadline=DEADLINE):
        request = urllib.request.Request(
            self._sessions + path, method=method,
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=deadline) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{method} {path}: {refusal.read().decode()}") from None

    def _post(self, path, **body):
        return self._ask("POST", self._session + path, body)

    def open(self, url):
        """Returns once the page is loaded, scripts included."""
        self._post("/url", url=url)

    def run(self, script, *arguments):
        """What the body of a JavaScript function returns; `arguments` is there what it is here."""
        return self._post("/execute/sync", script=script, args=list(arguments))

    def _find(self, selector):
        return self._post("/element", using="css selector", value=selector)[ELEMENT]

    def click(self, selector):
        """As a mouse does: fails where something else lies above."""
        self._post(f"/element/{self._find(selector)}/click")

    def type(self, selector, text):
        self._post(f"/element/{self._find(selector)}/value", text=text)

    def clear(self, selector):
        self._post(f"/element/{self._find(selector)}/clear")

    def command(self, name, **parameters):
        """One of the DevTools protocol."""
        return self._post("/goog/cdp/execute", cmd=name, params=parameters)

    def resize(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=False)

    def prefer(self, color_scheme):
        """`light` or `dark`, as a person sets it for the whole system."""
        self.command("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": color_scheme}])

    def console_errors(self):
        """Texts since the last call, with those of failed requests and of refused scripts."""
        return [entry["message"] for entry in self._post("/se/log", type="browser")
                if entry["level"] == "SEVERE"]

    def requests(self):
        """URLs of all requests since the last call."""
        events = [json.loads(entry["message"])["message"]
                  for entry in self._post("/se/log", type="performance")]
        return [event["params"]["request"]["url"] for event in events
                if event["method"] == "Network.requestWillBeSent"]

    def screenshot(self, path):
        """Writes what the window shows as PNG."""
        with open(path, "wb") as file:
            file.write(base64.b64decode(self._ask("GET", self._session + "/screenshot")))

    def _has_ended(self):
        try:
            os.kill(self._process, 0)
        except ProcessLookupError:
            return True
        return False

    def close(self):
        try:
            self._ask("DELETE", self._session)
            wait_until(self._has_ended, "the browser's end")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)  # all its processes end with it
            self._driver.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
