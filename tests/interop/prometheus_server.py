"""A real Prometheus with the project's own alert rules, in a hurry: it scrapes twice a second."""

import json
import pathlib
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import yaml

from harness import DEADLINE, ROOT, Program, clean_environment, free_port, wait_until

RULES = ROOT / "deploy/prometheus/alerts.yml"


class PrometheusServer(Program):
    """Scrapes `targets` (`ADDRESS:PORT`), as the job that deploy/prometheus names."""

    def __init__(self, targets):
        self._directory = tempfile.TemporaryDirectory()
        directory = pathlib.Path(self._directory.name)
        config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms",
                            "evaluation_interval": "500ms"}
        config["rule_files"] = [str(RULES)]
        for job in config["scrape_configs"]:
            job.pop("file_sd_configs")
            job["static_configs"] = [{"targets": list(targets)}]
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            ["prometheus", f"--config.file={directory}/prometheus.yml",
             f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{port}"],
            clean_environment())
        with self._ended_where_this_fails():
            self.wait_for_line("Server is ready to receive web requests")

    def _ask(self, path, **parameters):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise AssertionError(f"{parameters}: {refusal.read().decode()}") from None

    def query(self, expression):
        """The instant query's samples, each with `metric` and `value`."""
        return self._ask("query", query=expression)["result"]

    def rules(self):
        """Every rule as Prometheus understood it."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def all_alerts(self):
        """Those pending or firing, with labels and annotations; pending ones wait for their `for`."""
        return self._ask("alerts")["alerts"]

    def alerts(self, instance, *states):
        """The names of a target's; of those in `states` alone, if any are named."""
        return {alert["labels"]["alertname"] for alert in self.all_alerts()
                if alert["labels"].get("instance") == instance
                and (not states or alert["state"] in states)}

    def wait_for_scrapes(self, targets, count=2):
        """Until each target has been scraped so often: only then a counter's rise can be seen."""
        def is_done():
            scraped = {sample["metric"]["instance"]: float(sample["value"][1])
                       for sample in self.query("sum_over_time(up[10m])")}
            return all(scraped.get(target, 0) >= count for target in targets)
        wait_until(is_done, "the first scrapes")

    def __exit__(self, *_):
        super().__exit__()
        self._directory.cleanup()
