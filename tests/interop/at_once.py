"""Runs the tests of a class a few at once, where most of what they do is wait."""

import concurrent.futures
import unittest


class _Recorder(unittest.TestResult):
    """What a result would have been told, in order."""

    def __init__(self):
        super().__init__()
        self._calls = []

    def replay(self, result):
        for name, arguments in self._calls:
            getattr(result, name)(*arguments)


def _recording(name):
    def record(self, *arguments):
        self._calls.append((name, arguments))  # pylint: disable=protected-access
    return record


for _name in ("startTest", "stopTest", "addSuccess", "addFailure", "addError", "addSkip", "addSubTest",
              "addExpectedFailure", "addUnexpectedSuccess"):
    setattr(_Recorder, _name, _recording(_name))


class AtOnce:
    """To be inherited from before unittest.TestCase. A test has no thread of its own, nor may it change what
    another one sees. Results are told in the usual order. Who has a tearDownClass must call this one's."""

    at_once = 6

    def run(self, result=None):
        cls = type(self)
        if "_pool" not in vars(cls):
            cls._pool = concurrent.futures.ThreadPoolExecutor(cls.at_once)
            cls._runs = []
        recorder = _Recorder()
        cls._runs.append((cls._pool.submit(super().run, recorder), recorder, result))

    @classmethod
    def tearDownClass(cls):
        try:
            for run, recorder, result in cls._runs:
                run.result()
                recorder.replay(result)
        finally:
            cls._pool.shutdown(cancel_futures=True)
        super().tearDownClass()
