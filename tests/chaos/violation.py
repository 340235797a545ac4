"""What is raised where an invariant does not hold."""


class Violation(AssertionError):
    """`messages` are those that show it, the guilty one last."""

    def __init__(self, what, messages=()):
        super().__init__(what)
        self.messages = list(messages)


def expect(holds, what, *messages):
    if not holds:
        raise Violation(what() if callable(what) else what, messages)
