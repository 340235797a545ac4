"""The manifests of deploy/kubernetes, against the schemas of Kubernetes and of the Prometheus operator.

The validator is kubernetes-models, which is generated from those schemas: its validators look at values
and at what is required, its types, by the TypeScript compiler, at names.
"""

import copy
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

import nats_operator
import npm
from harness import BRIDGE, DEADLINE, ROOT, Exchange, Program, clean_environment

DIRECTORY = ROOT / "deploy/kubernetes"
SHARD = ROOT / "deploy/examples/kubernetes-shard"
JETSTREAM = ROOT / "deploy/examples/kubernetes-jetstream"
PACKAGES = ("kubernetes-models@5.1.0", "@kubernetes-models/prometheus-operator@6.0.0", "typescript@5")


def documents():
    """File's name → what it declares."""
    return {path.name: yaml.safe_load(path.read_text()) for path in sorted(DIRECTORY.glob("*.yaml"))
            if path.name != "kustomization.yaml"}


def module_of(document):
    prefix = ("@kubernetes-models/prometheus-operator" if "monitoring.coreos.com" in document["apiVersion"]
              else "kubernetes-models")
    return f"{prefix}/{document['apiVersion']}/{document['kind']}"


def merge(into, patch):
    """As a strategic merge does, of what has no lists."""
    for name, value in patch.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value


def rendered(directory):
    """What `kubectl kustomize` makes of a directory: as far as our kustomizations go, and no further."""
    kustomization = yaml.safe_load((directory / "kustomization.yaml").read_text())
    known = {"apiVersion", "kind", "namespace", "resources", "images", "patches"}
    assert set(kustomization) <= known, kustomization
    objects = []
    for resource in kustomization["resources"]:
        path = (directory / resource).resolve()
        # A base that holds the directory itself is refused: "cycle detected".
        assert not directory.resolve().is_relative_to(path), path
        objects += rendered(path) if path.is_dir() else [yaml.safe_load(path.read_text())]
    for thing in objects:
        thing["metadata"]["name" if thing["kind"] == "Namespace" else "namespace"] = kustomization["namespace"]
    for entry in kustomization.get("patches", []):
        patch = yaml.safe_load(entry["patch"])
        [target] = [thing for thing in objects if (thing["kind"], thing["metadata"]["name"]) ==
                    (patch["kind"], patch["metadata"]["name"])]
        merge(target, patch)
    return objects


def one(objects, kind):
    [found] = [thing for thing in objects if thing["kind"] == kind]
    return found


def selects(objects, kind, others):
    """Whether what is of that kind means what `others` have of the kind that it is for."""
    selecting = one(objects, kind)
    spec = selecting["spec"]
    labels = spec.get("podSelector") or spec["selector"]
    labels = labels.get("matchLabels", labels)
    if kind == "ServiceMonitor":
        assert "namespaceSelector" not in spec  # without, it looks at its own
        meant = one(others, "Service")["metadata"]
        namespace = meant["namespace"]
    else:
        deployment = one(others, "Deployment")
        meant = deployment["spec"]["template"]["metadata"]
        namespace = deployment["metadata"]["namespace"]
    return selecting["metadata"]["namespace"] == namespace and labels.items() <= meant["labels"].items()


SELECTING = ("Service", "Deployment", "PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor")


class ShardTest(unittest.TestCase):
    """Two bridges in one cluster, as README tells to make them."""

    def setUp(self):
        self.shards = rendered(DIRECTORY), rendered(SHARD)

    def test_nothing_of_one_means_the_pods_of_the_other(self):
        for own, other in self.shards, self.shards[::-1]:
            for kind in SELECTING:
                self.assertTrue(selects(own, kind, own), kind)
                self.assertFalse(selects(own, kind, other), kind)

    def test_in_one_namespace_each_would_mean_both(self):
        own, other = self.shards
        for thing in other:
            thing["metadata"]["namespace"] = "backpack-bridge"
            thing["metadata"]["name"] = "btc-" + thing["metadata"]["name"]
        for kind in SELECTING:
            self.assertTrue(selects(own, kind, other), kind)

    def test_no_stream_is_carried_twice(self):
        one_has, other_has = (
            set(json.loads(one(shard, "ConfigMap")["data"]["bridge.json"])["upstream"]["streams"])
            for shard in self.shards)
        self.assertTrue(one_has and other_has)
        self.assertEqual(one_has & other_has, set())

    def test_each_brings_its_namespace(self):
        for shard in self.shards:
            self.assertEqual({thing["metadata"]["namespace"] for thing in shard if thing["kind"] != "Namespace"},
                             {one(shard, "Namespace")["metadata"]["name"]})


def misspelt(deployment):
    """A copy in which a field of the pod has no name that Kubernetes knows."""
    changed = copy.deepcopy(deployment)
    pod = changed["spec"]["template"]["spec"]
    pod["enableServiceLink"] = pod.pop("enableServiceLinks")
    return changed


def wrong(deployment):
    """A copy in which a number is text."""
    changed = copy.deepcopy(deployment)
    changed["spec"]["replicas"] = "1"
    return changed


class KubernetesSchemaTest(unittest.TestCase):
    """What validator and compiler say of each group of manifests: one run of the compiler for all."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        (cls.directory / "package.json").write_text('{"type": "module", "private": true}')
        npm.install(cls.directory, *PACKAGES)
        deployment = documents()["deployment.yaml"]
        groups = {"manifests": list(documents().values()), "shard": rendered(SHARD), "jetstream": rendered(JETSTREAM),
                  "misspelt": [misspelt(deployment)], "wrong": [wrong(deployment)]}
        for name, declared in groups.items():
            cls.write(name, declared)
        types = cls.said_by("node_modules/.bin/tsc", "--noEmit", "--strict", "--module", "nodenext", "--target", "es2022",
                            "--skipLibCheck", *(f"{name}.ts" for name in groups))
        cls.faults = {name: "".join(line for line in types.splitlines(True) if line.startswith(f"{name}.ts(")) +
                            cls.said_by("node", f"{name}.js") for name in groups}

    @classmethod
    def write(cls, name, declared):
        types, values = [], []
        for number, document in enumerate(declared):
            kind, module, text = document["kind"], module_of(document), json.dumps(document)
            types.append(f'import type {{ I{kind} as T{number} }} from "{module}";\n'
                         f"export const d{number}: T{number} = {text};\n")
            values.append(f'import {{ {kind} as C{number} }} from "{module}";\nnew C{number}({text}).validate();\n')
        (cls.directory / f"{name}.ts").write_text("".join(types))
        (cls.directory / f"{name}.js").write_text("".join(values))

    @classmethod
    def said_by(cls, *command):
        """What the command says; empty where it is content."""
        done = subprocess.run(command, cwd=cls.directory, capture_output=True, text=True, timeout=200,
                              stdin=subprocess.DEVNULL)
        assert done.returncode in (0, 1, 2), done
        return done.stdout + done.stderr if done.returncode else ""

    def test_every_manifest_is_what_the_schemas_say(self):
        self.assertEqual(self.faults["manifests"], "")
        self.assertEqual(self.faults["shard"], "")
        self.assertEqual(self.faults["jetstream"], "")

    def test_a_manifest_with_a_misspelt_name_or_a_wrong_value_would_not_pass(self):
        self.assertIn("enableServiceLink", self.faults["misspelt"])
        self.assertIn("spec/replicas must be integer", self.faults["wrong"])


class KubernetesTest(unittest.TestCase):
    def setUp(self):
        self.documents = documents()
        self.pod = self.documents["deployment.yaml"]["spec"]["template"]
        [self.container] = self.pod["spec"]["containers"]

    def test_applies_every_manifest_but_the_one_that_only_shows_the_secret(self):
        kustomization = yaml.safe_load((DIRECTORY / "kustomization.yaml").read_text())
        self.assertEqual({*kustomization["resources"], "secret.yaml"}, set(self.documents))

    def test_all_of_them_mean_the_same_pods(self):
        labels = self.pod["metadata"]["labels"]
        for name, *path in (("deployment.yaml", "spec", "selector", "matchLabels"),
                            ("service.yaml", "spec", "selector"),
                            ("poddisruptionbudget.yaml", "spec", "selector", "matchLabels"),
                            ("networkpolicy.yaml", "spec", "podSelector", "matchLabels")):
            selector = self.documents[name]
            for step in path:
                selector = selector[step]
            self.assertEqual(selector, labels, name)
        self.assertEqual(self.documents["servicemonitor.yaml"]["spec"]["selector"]["matchLabels"],
                         self.documents["service.yaml"]["metadata"]["labels"])

    def test_ports_are_those_of_the_image(self):
        runtime = re.search(r" AS runtime\n(.*?)\nFROM ", (ROOT / "Dockerfile").read_text(), re.DOTALL)[1]
        exposed = {int(port) for port in re.search(r"^EXPOSE (.*)$", runtime, re.MULTILINE)[1].split()}
        named = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        self.assertEqual(set(named.values()), exposed)
        for port in self.documents["service.yaml"]["spec"]["ports"]:
            self.assertEqual(named[port["targetPort"]], port["port"])
        for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz"), ("startupProbe", "/livez")):
            self.assertEqual(self.container[probe]["httpGet"], {"path": path, "port": "http"})

    def test_two_bridges_never_run_at_once(self):
        spec = self.documents["deployment.yaml"]["spec"]
        self.assertEqual((spec["replicas"], spec["strategy"]), (1, {"type": "Recreate"}))
        self.assertIs(self.pod["spec"]["enableServiceLinks"], False)

    def test_the_bridge_runs_as_the_pod_does_without_a_secret(self):
        """Environment and arguments are the manifest's; the configuration is where this test can put it."""
        environment = {variable["name"]: variable["value"] for variable in self.container["env"]}
        for path in environment.values():
            self.assertFalse(os.path.exists(path), path)
        [(name, text)] = self.documents["configmap.yaml"]["data"].items()
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, name).write_text(text)
            arguments = [argument.replace("/etc/backpack-bridge", directory) for argument in self.container["args"]]
            self.assertIn(os.path.join(directory, name), arguments)
            done = subprocess.run([BRIDGE, "check", *arguments], env=clean_environment(**environment),
                                  capture_output=True, text=True, timeout=DEADLINE, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, "valid: 3 public and 0 private streams\n"))
            with Exchange() as exchange, \
                    Program([BRIDGE, *arguments], exchange.environment(**environment)) as bridge:
                exchange.wait_for_subscriptions(json.loads(text)["upstream"]["streams"])
                self.assertEqual(bridge.stop(), 0)

    def test_the_bridge_says_which_file_of_the_secret_is_missing_where_it_needs_one(self):
        environment = {variable["name"]: variable["value"] for variable in self.container["env"]}
        done = subprocess.run([BRIDGE, "check", "--stream", "account.orderUpdate"],
                              env=clean_environment(BRIDGE_PUBLISH__PRIVATE__BIND="tcp://127.0.0.1:*", **environment),
                              capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, 2)
        for name in environment:
            self.assertIn(f"config: {name}: names a file that does not exist; ", done.stderr)


class JetStreamTest(unittest.TestCase):
    """The same bridge with the keys of its sink to JetStream; configuration and Secret are where a test can put them."""

    def setUp(self):
        self.plain, self.objects = rendered(DIRECTORY), rendered(JETSTREAM)
        self.configuration = json.loads(one(self.objects, "ConfigMap")["data"]["bridge.json"])
        self.sink = self.configuration["publish"]["jetstream"]
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def check(self, **changes):
        """What the program says of the configuration, where the keys of the sink are changed so."""
        configuration = {**self.configuration, "publish": {"jetstream": {**self.sink, **changes}}}
        text = json.dumps(configuration).replace(self.mount_path(), str(self.directory))
        (self.directory / "bridge.json").write_text(text)
        return subprocess.run([BRIDGE, "check", "--config", self.directory / "bridge.json"], env=clean_environment(),
                              capture_output=True, text=True, timeout=DEADLINE, check=False)

    def mount_path(self):
        """Where the Secret is."""
        pod = one(self.objects, "Deployment")["spec"]["template"]["spec"]
        [secret] = [volume["name"] for volume in pod["volumes"] if "secret" in volume]
        [path] = [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == secret]
        return path

    def make_secret(self):
        _, credentials = nats_operator.make(self.directory)
        credentials.rename(self.directory / "nats_credentials")
        (self.directory / "nats_ca").touch()

    def test_its_keys_are_the_programs(self):
        self.make_secret()
        checked = self.check()
        self.assertEqual((checked.returncode, checked.stderr), (0, "valid: 3 public and 0 private streams\n"))
        in_force = json.loads(checked.stdout)["publish"]["jetstream"]
        files = {name: path.replace(self.mount_path(), str(self.directory)) for name, path in self.sink.items()
                 if name.endswith("_file")}
        self.assertEqual(set(files), {"credentials_file", "ca_file"})
        self.assertLessEqual({**self.sink, **files}.items(), in_force.items())

    def test_its_files_are_keys_of_the_secret(self):
        secret = yaml.safe_load((DIRECTORY / "secret.yaml").read_text())["stringData"]
        files = {pathlib.Path(path) for name, path in self.sink.items() if name.endswith("_file")}
        self.assertEqual({str(file.parent) for file in files}, {self.mount_path()})
        self.assertLessEqual({file.name for file in files}, set(secret))
        for file in files:
            self.assertIn(f"--from-file={file.name}=", (JETSTREAM / "kustomization.yaml").read_text())

    def test_account_data_goes_to_no_other_pod_in_the_clear(self):
        self.make_secret()
        self.assertEqual(self.check(include_private=True).returncode, 0)
        refused = self.check(include_private=True, servers=["nats://nats.nats.svc:4222"], ca_file="")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("may show account data in the clear", refused.stderr)
        self.assertEqual(self.check(servers=["nats://nats.nats.svc:4222"], ca_file="").returncode, 0)

    def test_it_may_reach_nats_and_is_the_same_in_all_else(self):
        [policy] = [thing for thing in self.objects if thing["metadata"]["name"] == "backpack-bridge-jetstream"]
        self.assertEqual(policy["spec"]["podSelector"], one(self.plain, "NetworkPolicy")["spec"]["podSelector"])
        [rule] = policy["spec"]["egress"]
        self.assertEqual([f":{port['port']}" for port in rule["ports"]],
                         [server[server.rindex(":"):] for server in self.sink["servers"]])
        others = [thing for thing in self.objects if thing is not policy]
        for ours, theirs in zip(others, self.plain, strict=True):
            if ours["kind"] != "ConfigMap":
                self.assertEqual(ours, theirs)
        plain = json.loads(one(self.plain, "ConfigMap")["data"]["bridge.json"])
        self.assertEqual(self.configuration, {**plain, "publish": {"jetstream": self.sink}})


if __name__ == "__main__":
    unittest.main()
