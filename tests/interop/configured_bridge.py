"""A bridge that is told by a file, and told anew."""

import json
import os
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
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump({"upstream": upstream, **groups}, file)
        os.rename(self.path + ".new", self.path)  # at no moment is there half a file

    def reload(self, streams, **groups):
        """Returns once that is done; what was logged meanwhile. Where it is refused a line may follow."""
        return self._reload(streams, groups, r"INFO  reloaded$|\bnot reloaded|\"event\":\"(not )?reloaded\"")

    def restore(self, streams, **groups):
        """Likewise, where it is known to be taken: behind it no line of an earlier reload follows."""
        return self._reload(streams, groups, r"INFO  reloaded$|\"event\":\"reloaded\"")

    def _reload(self, streams, groups, answer):
        self.write(streams, **groups)
        before = len(self.lines)
        self.send(signal.SIGHUP)
        wait_until(lambda: any(re.search(answer, line) for line in self.lines[before:]), "an answer to SIGHUP")
        return "\n".join(self.lines[before:])
