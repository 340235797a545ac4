"""The stack of docker-compose.yml, with the demo's exchange: started as README says, on free ports."""

import contextlib
import datetime
import json
import re
import urllib.error
import urllib.parse
import urllib.request

import yaml

import docker_client as engine
from harness import DEADLINE, ROOT, clean_environment, free_port, wait_until

PROJECT = "backpack-bridge-test"
PORTS = ("BACKPACK_PUBLIC_PORT", "BACKPACK_PRIVATE_PORT", "BACKPACK_HTTP_PORT", "PROMETHEUS_PORT",
         "GRAFANA_PORT")
COMPOSE_FILE = ROOT / "docker-compose.yml"


def example_environment():
    """What .env holds on a host whose owner has followed README: the file that is to be copied."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))


def image_of(service):
    return yaml.safe_load(COMPOSE_FILE.read_text())["services"][service]["image"]


def seconds(timestamp):
    """Of Docker's times: Unix seconds."""
    return datetime.datetime.fromisoformat(timestamp).timestamp()


@contextlib.contextmanager
def container(name, *arguments):
    """A container beside the stack, in its network; removed at the end."""
    name = f"{PROJECT}-{name}"
    engine.docker("run", "--detach", "--name", name, "--network", f"{PROJECT}_default", "--read-only",
                  "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--ipc", "none", *arguments)
    try:
        yield name
    finally:
        engine.docker("rm", "--force", name)


class Stack:
    def __init__(self, **settings):
        self.ports = {name: str(free_port()) for name in PORTS}
        self.environment = clean_environment(**self.ports, BACKPACK_TAG="test", **settings)
        self.has_grafana = engine.has_image(image_of("grafana"))

    def compose(self, *arguments, over=(), deadline=300, **settings):
        """`over`: further files, which change what docker-compose.yml says."""
        files = [part for path in (COMPOSE_FILE, *over) for part in ("--file", str(path))]
        return engine.docker("compose", "--project-name", PROJECT, "--project-directory", str(ROOT), *files,
                             "--env-file", "/dev/null", "--profile", "demo", *arguments,
                             deadline=deadline, env={**self.environment, **settings})

    def up(self, *services, **options):
        self.compose("up", "--detach", "--no-build", "--pull", "never", *services, **options)

    def clear(self):
        """What a run that was killed has left: its containers would come back with the engine."""
        left = engine.docker("ps", "--all", "--quiet", "--filter", f"name=^/?{PROJECT}").split()
        if left:
            engine.docker("rm", "--force", "--volumes", *left)
        self.down()

    def down(self):
        self.compose("down", "--volumes", "--timeout", "5")

    def id(self, service):
        name = self.compose("ps", "--all", "--quiet", service).strip()
        assert re.fullmatch(r"[0-9a-f]{12,}", name), f"{service}: {name}"
        return name

    def inspect(self, service):
        return engine.inspect(self.id(service))

    def health(self, service):
        return self.inspect(service)["State"]["Health"]["Status"]

    def wait_for_health(self, service, wanted, deadline=180.0):  # it is looked at every few seconds
        try:
            wait_until(lambda: self.health(service) == wanted, f"{service} {wanted}", deadline)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.inspect(service)['State']}\n{self.logs(service)[-3000:]}") from None

    def logs(self, service):
        """All that the container has said; compose would put escape sequences in between."""
        return engine.docker("logs", self.id(service))

    def get(self, port, path, **parameters):
        """A page at a published port: status and text."""
        url = f"http://127.0.0.1:{self.ports[port]}{path}"
        if parameters:
            url += "?" + urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def metric(self, series):
        """Sum over the samples whose name and labels begin so."""
        text = self.get("BACKPACK_HTTP_PORT", "/metrics")[1]
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(series))

    def query(self, expression):
        """Of Prometheus: the samples."""
        text = self.get("PROMETHEUS_PORT", "/api/v1/query", query=expression)[1]
        return json.loads(text)["data"]["result"]
