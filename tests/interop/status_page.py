"""The status page as a person sees it, in a browser. Shared by the tests of it."""

from harness import wait_until

# Has the page look at the bridge now, as when a person comes back to it: nobody waits for its second.
REFRESH = "document.dispatchEvent(new Event('visibilitychange'));"

# Notes what the banner was, and its word: what has passed when it is asked for has been all the same.
WATCH = """
  window.levels = [];
  window.words = [];
  window.violations = [];
  document.addEventListener('securitypolicyviolation', event => violations.push(event.violatedDirective));
  const [banner, word] = ['banner', 'word'].map(id => document.getElementById(id));
  const watcher = new MutationObserver(() => {
    window.levels.push(banner.dataset.level);
    window.words.push(word.textContent);
  });
  watcher.observe(banner, {attributes: true});
  watcher.observe(word, {childList: true, characterData: true, subtree: true});
"""

# Notes when it was red first, by this machine's clock: once that has been drawn. Nothing has it look sooner
# than it does by itself.
WATCH_THE_TIME = """
  const banner = document.getElementById('banner');
  window.redAt = null;
  new MutationObserver(() => {
    if (banner.dataset.level !== 'red' || window.redAt !== null) return;
    requestAnimationFrame(() => setTimeout(() => { window.redAt ??= Date.now(); }));
  }).observe(banner, {attributes: true});
"""

# What the page takes for late is longer than a busy machine needs, unless it is said to be impatient.
PATIENCE = """
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  window.isImpatient = false;
  AbortSignal.timeout = ms => timeout(window.isImpatient ? ms : 15_000);
"""

# Has the page be told what is given here, one status after the other; then the last for good. Once
# it asks beyond the last, all have been drawn.
TELL = """
  const [statuses] = arguments;
  window.isTold = false;
  let asked = 0;
  window.fetch = async () => {
    window.isTold = asked >= statuses.length;
    const status = statuses[Math.min(asked++, statuses.length - 1)];
    return {ok: true, text: async () => JSON.stringify(status)};
  };
  const hurry = () => {
    if (window.isTold) return;
    document.dispatchEvent(new Event('visibilitychange'));
    setTimeout(hurry, 1);
  };
  hurry();
"""


def with_durations(status):
    """What is made up, with the durations that follow from its times, as of a clock that nobody sets."""
    def age(of):
        return status["time_ms"] - of["last_message_ms"] if of["last_message_ms"] else None
    return {**status, "uptime_seconds": status["time_ms"] / 1000 - status["epoch"] / 1e6, "age_ms": age(status),
            "streams": [stream and {**stream, "age_ms": age(stream)} for stream in status["streams"]]}


class Page:
    """What stands on it. Each reading has it look again, so that `wait_until` may ask for what is to come."""

    def __init__(self, browser):
        self.browser = browser
        browser.command("Page.addScriptToEvaluateOnNewDocument", source=PATIENCE)

    def run(self, script, *arguments):
        return self.browser.run(script, *arguments)

    def open(self, bridge, size=(1200, 900)):
        """As in a new window: what the page before has asked and said is forgotten."""
        self.browser.open("about:blank")
        self.browser.console_errors()
        self.browser.requests()
        self.browser.resize(*size)
        self.browser.prefer("light")
        self.browser.open(bridge.http + "/")

    def be_impatient(self):
        """As it is for a person: a bridge that has not answered after two seconds is late."""
        self.run("window.isImpatient = true")

    def text(self, selector):
        return self.run(REFRESH + "return document.querySelector(arguments[0]).textContent", selector)

    def texts(self, selector):
        return self.run(REFRESH + "return [...document.querySelectorAll(arguments[0])].map(n => n.textContent)",
                        selector)

    def level(self):
        return self.run(REFRESH + "return document.getElementById('banner').dataset.level")

    def word(self):
        return self.text("#word")

    def headline(self):
        return self.text("#headline")

    def opacity(self):
        """Of the numbers: they fade where they are old."""
        return self.run(REFRESH + "return getComputedStyle(document.getElementById('numbers')).opacity")

    def names(self):
        return self.texts("tbody tr td.name .text")

    def cells(self, column):
        return self.texts(f"tbody td.{column}")

    def by_stream(self, column):
        return dict(self.run(REFRESH + """
          return [...document.querySelectorAll('tbody tr')].map(row =>
            [row.querySelector('.name .text').textContent, row.querySelector('td.' + arguments[0]).textContent]);
        """, column))

    def facts(self):
        """Those that are to be seen, by name."""
        return dict(self.run(REFRESH + """
          return [...document.querySelectorAll('#facts div')].filter(pair => pair.checkVisibility())
            .map(pair => [pair.querySelector('dt').textContent, pair.querySelector('dd').textContent]);
        """))

    def sort_by(self, column):
        self.browser.click(f"th.{column} button")

    def tell(self, *statuses):
        """By a bridge whose clock nobody sets. Returns once the page has drawn the last."""
        self.tell_as_it_is(*map(with_durations, statuses))

    def tell_as_it_is(self, *statuses):
        self.run(TELL, list(statuses))
        wait_until(lambda: self.run("return window.isTold"), "the page to have looked")

    def wait_for(self, word):
        wait_until(lambda: self.word() == word, f"{word!r} on the page")

    def wait_until_not_red(self):
        """Whatever else it finds worth telling: on a busy machine messages may be late."""
        wait_until(lambda: self.level() in ("green", "amber"), "a page that is not red")
