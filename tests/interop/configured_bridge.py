"""A bridge that is told by a file, and told anew."""

import json
import re
import signal

from harness import BRIDGE, Bridge, wait_until


class ConfiguredBridge(Bridge):
    """Its streams, and `groups` of further keys, stand in the file `path`."""

    def __init__(self, exchange, streams, path, groups=None, **settings):
        self.path = path
        self.write(streams, **(groups or {}))
        super().__init__(exchange, [], **settings)

    def command(self):
        return [BRIDGE, "--config", self.path]

    def write(self, streams, **groups):
        upstream = {"streams": streams, **groups.pop("upstream", {})}
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump({"upstream": upstream, **groups}, file)

    def reload(self, streams, **groups):
        """Returns once that is done; what was logged meanwhile."""
        self.write(streams, **groups)
        before = len(self.lines)
        self.send(signal.SIGHUP)
        answer = re.compile(r"INFO  reloaded$|\bnot reloaded|\"event\":\"(not )?reloaded\"")
        wait_until(lambda: any(answer.search(line) for line in self.lines[before:]), "an answer to SIGHUP")
        return "\n".join(self.lines[before:])
