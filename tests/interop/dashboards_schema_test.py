"""The dashboards against the types of Grafana's own package. Skipped where npm cannot have it."""

import copy
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import npm
from harness import ROOT
from dashboards_test import load_dashboards


class SchemaTest(unittest.TestCase):
    """Against the types of Grafana's own package, of the version that docker-compose.yml runs."""

    @classmethod
    def setUpClass(cls):
        version = re.search(r"image: grafana/grafana:(\S+)", (ROOT / "docker-compose.yml").read_text())[1]
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        (cls.directory / "package.json").write_text('{"type": "module", "private": true}')
        shutil.copy(pathlib.Path(__file__).with_name("dashboard.ts"), cls.directory)
        npm.install(cls.directory, f"@grafana/schema@{version}", "typescript@5")

    def faults(self, *dashboards):
        """What the compiler says against them; empty if nothing."""
        lines = [f"export const d{number}: DashboardJson = {json.dumps(dashboard)};\n"
                 for number, dashboard in enumerate(dashboards)]
        (self.directory / "ours.ts").write_text(
            'import type { DashboardJson } from "./dashboard.js";\n' + "".join(lines))
        done = subprocess.run(["node_modules/.bin/tsc", "--noEmit", "--strict", "--module", "nodenext",
                               "--target", "es2022", "--skipLibCheck", "ours.ts"], cwd=self.directory,
                              capture_output=True, text=True, timeout=200, check=False)
        return done.stdout + done.stderr

    def test_every_dashboard_is_what_the_schema_says(self):
        self.assertEqual(self.faults(*load_dashboards().values()), "")

    def test_one_with_a_misspelt_name_or_a_wrong_value_would_not_pass(self):
        dashboard = load_dashboards()["overview"]
        changes = {
            "colourMode": lambda panel: panel["options"].update(colourMode="value"),
            "rainbow": lambda panel: panel["options"].update(colorMode="rainbow"),
            "piechart3d": lambda panel: panel.update(type="piechart3d"),
            "expresion": lambda panel: panel["targets"][0].update(expresion="1")}
        spoilt = [copy.deepcopy(dashboard) for _ in changes]
        for one, change in zip(spoilt, changes.values()):
            change(next(panel for panel in one["panels"] if panel["type"] == "stat"))
        faults = self.faults(*spoilt)  # a line begins with where in the file, one dashboard a line
        for number, wrong in enumerate(changes, 2):
            with self.subTest(wrong):
                self.assertRegex(faults, rf"(?m)^ours.ts\({number},(.|\n  )*{wrong}")


if __name__ == "__main__":
    unittest.main()
