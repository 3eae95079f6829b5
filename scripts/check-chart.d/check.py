"""Checks a chart without a cluster: see `scripts/check-chart`."""

import argparse
import difflib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cases
import documented
import programs
import rules
import rules_flows  # noqa: F401  registers its rules
import rules_objects  # noqa: F401
import rules_pods
import schemas
import upgrades
import used
from helm import Helm, Refused, Render
from rules import View, at

VERSIONS = ("1.29", "1.33", "1.37")
"""Of Kubernetes: the oldest that the chart takes, one between, and the newest whose schemas there are."""

TOO_OLD = "1.28"

SNAPSHOTS = Path(__file__).parent / "snapshots"


class Check:
    """Counts what holds, and prints what does not."""

    def __init__(self, chart: Path, langflix: Path, update: bool) -> None:
        self.chart, self.update = chart, update
        self.programs = programs.Programs(langflix)
        self.renders: dict[str, Render] = {}
        self.views: dict[str, View] = {}
        self.held = self.failed = self.objects = 0
        self.began = time.monotonic()

    def run(self, readme: Path) -> None:
        text, schema = documented.read(self.chart)
        with Helm(VERSIONS[1]) as helm:
            self.step("renders", self.render_all, helm)
            self.step("upgrades", self.upgrade, helm)
            self.step("neighbours", self.neighbours, helm)
            self.step("versions", self.versions)
            self.step("wrong values", self.refuse, helm, schema)
            self.step("use of each value", self.use, helm, text, schema)
        self.step("schemas of Kubernetes " + ", ".join(VERSIONS), self.validate)
        self.step("rules", self.hold_rules)
        self.step("room", self.fit)
        self.step("the programs' configuration", self.configure, schema)
        self.step("values and README", self.document, text, schema, readme)
        self.step("snapshots", self.snapshot)

    def step(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        print(f"    {time.monotonic() - self.began:5.1f} s  {name}", flush=True)
        try:
            work(*arguments)
        except Refused as error:
            self.expect(name, [str(error)])

    def expect(self, where: str, faults: list[str]) -> None:
        self.held += not faults
        self.failed += len(faults)
        for fault in faults:
            print(f"FAIL {where}: {fault}", flush=True)

    def files(self) -> list[tuple[str, dict]]:
        """The values files that could be rendered."""
        return [(name, values) for name, values in cases.values_files(self.chart).items() if name in self.renders]

    def render_all(self, helm: Helm) -> None:
        """Each case twice: those who compare renders, as Argo CD and Flux do, would else see a change where there is none."""
        for name, values in cases.cases(self.chart):
            try:
                render = helm.render(self.chart, values)
                self.expect(name, [] if helm.render(self.chart, values) == render else ["two renders differ"])
                self.renders[name], self.views[name] = render, View(render.objects, cases.OUTSIDE)
                self.objects += len(self.views[name].objects)
            except Refused as error:
                self.expect(name, [str(error)])

    def validate(self) -> None:
        """Every object against each version's schemas; one that comes again in another render is looked at once."""
        seen: dict[str, list[str]] = {}
        for name, view in self.views.items():
            for document in view.objects:
                whole = json.dumps(document, sort_keys=True)
                if whole not in seen:
                    seen[whole] = [f"{one} (Kubernetes {v})" for v in VERSIONS for one in schemas.faults(document, v)]
                    self.expect(f"{name}: {rules.name_of(document)}", seen[whole])

    def neighbours(self, helm: Helm) -> None:
        """Two releases in one namespace have nothing of the same name, and leave each other's pods alone."""
        for name, values in self.files():
            other = helm.render(self.chart, values, "second")
            mine, theirs = ({rules.name_of(one) for one in each.objects} for each in (self.renders[name], other))
            self.expect(name, [f"{one} is in every release" for one in sorted(mine & theirs)])
            selectors = [at(one, "spec", "selector") for one in other.objects if one["kind"] in rules.WORKLOADS]
            for pod in self.views[name].pods:
                taken = any(rules.selects(selector, pod.labels) for selector in selectors)
                self.expect(name, [f"another release selects the pods of {pod.name}"] if taken else [])

    def versions(self) -> None:
        """A render does not depend on the cluster's version, and one that is too old is refused."""
        for version in (VERSIONS[0], VERSIONS[-1]):
            with Helm(version) as helm:
                for name, values in self.files():
                    same = helm.render(self.chart, values) == self.renders.get(name)
                    self.expect(name, [] if same else [f"another render on Kubernetes {version}"])
        with Helm(TOO_OLD) as helm:
            try:
                helm.render(self.chart, cases.BASE)
                self.expect("kubeVersion", [f"Kubernetes {TOO_OLD} is taken"])
            except Refused as error:
                self.expect("kubeVersion", [] if TOO_OLD in str(error) else [str(error)])

    def fit(self) -> None:
        for name, (cores, gib) in cases.MACHINES.items():
            if name in self.views:
                self.expect(name, list(rules_pods.too_large(self.views[name], cores, gib)))

    def hold_rules(self) -> None:
        for name, view in self.views.items():
            for sentence, check in rules.RULES:
                self.expect(name, [f"{fault}\n     {sentence}" for fault in check(view)])

    def upgrade(self, helm: Helm) -> None:
        with tempfile.TemporaryDirectory() as folder:
            later = upgrades.later(self.chart, Path(folder), cases.BASE)
            self.expect("chart", helm.lint(later))
            for name, values in cases.cases(self.chart):
                if (
                    name in self.views
                    and (name not in cases.OPTIONS or name == "ingest")
                    and not name.startswith("all but")
                ):
                    after = helm.render(later, cases.merged(values, upgrades.CHANGES)).objects
                    self.expect(f"{name}, upgraded", list(upgrades.faults(self.views[name].objects, after)))
        self.expect("templates", list(upgrades.unsteady(self.chart)))
        both = cases.merged(cases.BASE, cases.OPTIONS["gpu"], cases.OPTIONS["cpu"])
        changed = cases.merged(both, {"config": {"fleet": {"max_attempts": 7}}})
        before, after = (helm.render(self.chart, values).objects for values in (both, changed))
        self.expect("configuration", list(upgrades.stale(before, after)))

    def refuse(self, helm: Helm, schema: dict) -> None:
        refused = [(f"{path} = {value!r}", _names(path, value), values) for path, value, values in cases.wrong()]
        refused += [
            (f"{path}: no such key", [path.rpartition(".")[2]], values)
            for path, values in cases.unknown(documented.mappings(schema))
        ]
        refused += [(f"{path}: missing or wrong", [path], values) for path, values in cases.MISSING]
        for where, named, values in refused:
            try:
                helm.render(self.chart, values)
                self.expect(where, ["accepted"])
            except Refused as error:
                unnamed = [part for part in named if part not in str(error)]
                self.expect(where, [f"refused without naming {part}: {error}" for part in unnamed])

    def use(self, helm: Helm, text: str, schema: dict) -> None:
        self.expect("values.yaml", [f"{name} changes nothing" for name in used.idle(helm, self.chart, text, schema)])

    def configure(self, schema: dict) -> None:
        self.expect("configuration", programs.faults(self.programs.defaults(), schema, list(self.views.values())))
        self.expect("configuration", self.programs.bounds(schema))
        known, seen = self.programs.queues(), set()
        asked = {queue for names in rules_objects.QUEUES.values() for queue in names}
        self.expect("queues", [f"the programs know no queue {queue}" for queue in sorted(asked - known)])
        for name, view in self.views.items():
            for pod in view.pods:
                if pod.runs_langflix:
                    told = json.dumps([rules.settings(pod, view), pod.spec.get("volumes")], sort_keys=True)
                    if told not in seen:
                        seen.add(told)
                        self.expect(f"{name}: {pod.name}", self.programs.reads(pod, view))

    def document(self, text: str, schema: dict, readme: Path) -> None:
        self.expect("values", list(documented.faults(text, schema)))
        try:
            wanted = documented.with_table(readme.read_text(), text)
        except (OSError, ValueError) as error:
            return self.expect("README.md", [str(error)])
        self.same(readme, wanted)

    def snapshot(self) -> None:
        there = cases.values_files(self.chart)
        wanted = {SNAPSHOTS / f"{name}.yaml": self.renders[name].text(self.chart) for name, _ in self.files()}
        for path, text in wanted.items():
            self.same(path, text)
        for path in sorted(set(SNAPSHOTS.glob("*.yaml")) - {SNAPSHOTS / f"{name}.yaml" for name in there}):
            if self.update:
                path.unlink()
            else:
                self.expect(path.name, ["of no values file"])

    def same(self, path: Path, wanted: str) -> None:
        """# Errors: a unified diff where the file differs, which `--update` writes anew."""
        if self.update:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted)
        there = path.read_text() if path.exists() else ""
        diff = difflib.unified_diff(there.splitlines(), wanted.splitlines(), str(path), "now", lineterm="", n=2)
        found = "\n".join(diff)
        self.expect(path.name, [f"differs; scripts/check-chart --update writes it anew\n{found}"] if found else [])


def _names(path: str, value: object) -> list[str]:
    """What Helm must say to name a value that the schema refuses; one that is not there it names in its parent."""
    pointer = "/" + path.replace(".", "/")
    if value is None:
        parent, _, last = pointer.rpartition("/")
        return [f"'{parent}'", f"'{last}'"]
    return [pointer]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chart", type=Path, required=True)
    parser.add_argument("--langflix", type=Path, required=True)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # A copy, so that all of it is looked at as it is now, also while somebody goes on writing.
        copy = Path(shutil.copytree(options.chart, Path(folder, options.chart.name)))
        check = Check(copy, options.langflix.resolve(), options.update)
        check.run(options.chart / "README.md")
    print(f"chart: {len(check.renders)} renders, {check.objects} objects, {check.held} checks hold", end="")
    print(f", {check.failed} do not" if check.failed else "")
    sys.exit(check.failed > 0)


if __name__ == "__main__":
    main()
