"""The rest of the checks: rendering, schemas, upgrades, documentation, configuration, each also where it must find a fault."""

import tempfile
import unittest
from pathlib import Path

import cases
import documented
import programs
import schemas
import upgrades
import used
from helm import Helm, Refused, documents
from rules import View
from test_rules import fleet

CHART = "apiVersion: v2\nname: tiny\nversion: 0.1.0\nappVersion: 0.1.0\n"
SCHEMA = '{"type": "object", "additionalProperties": false, "properties": {"count": {"type": "integer", "minimum": 3}}}'
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { count: {{ .Values.count | quote }} }
---
apiVersion: v1
kind: Pod
metadata: { name: hook, annotations: { helm.sh/hook: test } }
spec: {}
"""


def chart(folder: str, template: str = TEMPLATE) -> Path:
    root = Path(folder, "tiny")
    (root / "templates").mkdir(parents=True)
    (root / "Chart.yaml").write_text(CHART)
    (root / "values.yaml").write_text("# -- How many\ncount: 5\n")
    (root / "values.schema.json").write_text(SCHEMA)
    (root / "templates/all.yaml").write_text(template)
    (root / "templates/NOTES.txt").write_text("Hello {{ .Release.Name }}\n")
    return root


class Rendering(unittest.TestCase):
    def test_hooks_and_notes_are_part_of_a_render(self):
        with tempfile.TemporaryDirectory() as folder, Helm("1.33") as helm:
            render = helm.render(chart(folder), {"count": 7})
            text = render.text(Path(folder))
        self.assertEqual([document["kind"] for document in render.objects], ["ConfigMap", "Pod"])
        self.assertEqual(render.objects[0]["data"], {"count": "7"})
        self.assertIn("# Hello langflix\n", text)

    def test_a_file_of_the_chart_is_only_named_in_a_snapshot(self):
        head = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata:\n  a: |\n"
        template = head + '    {{- .Files.Get "files/a.txt" | nindent 4 }}\n'
        with tempfile.TemporaryDirectory() as folder, Helm("1.33") as helm:
            root = chart(folder, template)
            (root / "files").mkdir()
            (root / "files/a.txt").write_text("one\n\ntwo\n")
            render = helm.render(root)
            self.assertEqual(render.objects[0]["data"]["a"], "one\n\ntwo\n")
            self.assertIn("  a: |\n    (files/a.txt)\n", render.text(root))

    def test_values_that_the_schema_refuses_are_named(self):
        with tempfile.TemporaryDirectory() as folder, Helm("1.33") as helm:
            for values, named in (({"count": 1}, "/count"), ({"counts": 5}, "counts")):
                with self.assertRaisesRegex(Refused, named):
                    helm.render(chart(folder + named), values)

    def test_a_template_that_fails_is_refused(self):
        with (
            tempfile.TemporaryDirectory() as folder,
            Helm("1.33") as helm,
            self.assertRaisesRegex(Refused, "give a bucket"),
        ):
            helm.render(chart(folder, '{{ fail "give a bucket" }}'))

    def test_a_key_given_twice_is_found(self):
        with self.assertRaisesRegex(Exception, "'a' twice"):
            documents("a: 1\nb: 2\na: 3\n")


class Schemas(unittest.TestCase):
    def test_unknown_fields_and_wrong_types_are_found(self):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "a"},
            "spec": {"containers": [{"name": "a", "image": "b"}]},
        }
        self.assertEqual(schemas.faults(pod, "1.29"), [])
        pod["spec"]["containers"][0]["imagePolicy"] = "Always"
        self.assertIn("imagePolicy", schemas.faults(pod, "1.29")[0])
        pod["spec"]["containers"] = {}
        self.assertTrue(schemas.faults(pod, "1.37"))

    def test_custom_resources_are_held_against_their_own(self):
        scaled = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "a"}}
        scaled["spec"] = {
            "scaleTargetRef": {"name": "a"},
            "triggers": [{"type": "rabbitmq", "metadata": {"value": "1"}}],
        }
        self.assertEqual(schemas.faults(scaled, "1.29"), [])
        scaled["spec"]["triggers"][0]["metadata"]["value"] = 1
        self.assertIn("spec.triggers.0.metadata.value", schemas.faults(scaled, "1.29")[0])
        scaled["spec"]["triggers"] = []
        scaled["spec"]["minReplicas"] = 1
        self.assertIn("minReplicas", "".join(schemas.faults(scaled, "1.29")))

    def test_a_kind_without_a_schema_is_a_fault(self):
        self.assertIn("no schema", schemas.faults({"apiVersion": "example.com/v1", "kind": "Thing"}, "1.29")[0])

    def test_numbers_and_percents_are_both_taken(self):
        cluster = {"apiVersion": "rabbitmq.com/v1beta1", "kind": "RabbitmqCluster", "metadata": {"name": "a"}}
        for storage in ("5Gi", 5):
            self.assertEqual(schemas.faults(cluster | {"spec": {"persistence": {"storage": storage}}}, "1.29"), [])
        self.assertTrue(schemas.faults(cluster | {"spec": {"persistence": {"storage": "much"}}}, "1.29"))


class Upgrades(unittest.TestCase):
    def test_an_immutable_field_that_changes_is_found(self):
        after = fleet()
        after[0]["spec"]["selector"]["matchLabels"]["version"] = "2"
        self.assertEqual(
            list(upgrades.faults(fleet(), after)), ["Deployment/worker: spec.selector changes with an upgrade"]
        )
        self.assertEqual(list(upgrades.faults(fleet(), fleet())), [])

    def test_a_job_must_be_another_or_a_hook(self):
        job = {"kind": "Job", "metadata": {"name": "a"}, "spec": {"template": {"spec": 1}}}
        other = {"kind": "Job", "metadata": {"name": "a"}, "spec": {"template": {"spec": 2}}}
        self.assertTrue(list(upgrades.faults([job], [other])))
        hook = other | {"metadata": {"name": "a", "annotations": {"helm.sh/hook": "pre-upgrade"}}}
        self.assertEqual(list(upgrades.faults([job], [hook])), [])
        self.assertEqual(list(upgrades.faults([job], [other | {"metadata": {"name": "b"}}])), [])

    def test_functions_that_differ_from_render_to_render_are_found(self):
        bad = [
            "{{ randAlphaNum 8 }}",
            '{{ lookup "v1" "Secret" "a" "b" }}',
            "{{- $at := now | date }}",
            "{{ uuidv4 }}",
            "{{ genCA 1 2 }}",
        ]
        bad += ["{{ .Capabilities.APIVersions.Has 1 }}", "{{ if $.Release.IsUpgrade }}"]
        good = ["{{ .Values.now }}", '{{ "lookup" }}', "{{/* now */}}", "{{ $now }}", "now"]
        for text, faults in [*((one, 1) for one in bad), *((one, 0) for one in good)]:
            with self.subTest(text), tempfile.TemporaryDirectory() as folder:
                self.assertEqual(len(list(upgrades.unsteady(chart(folder, text)))), faults)

    def test_pods_that_keep_an_old_configuration_are_found(self):
        other = fleet()
        other[0]["spec"]["template"]["metadata"]["annotations"] = {"checksum": "2"}
        self.assertEqual(list(upgrades.stale(fleet(), other)), [])
        self.assertIn("Deployment/worker", "".join(upgrades.stale(fleet(), fleet())))

    def test_a_later_chart_has_other_versions_and_the_values_given(self):
        with tempfile.TemporaryDirectory() as folder, Helm("1.33") as helm:
            later = upgrades.later(chart(folder), Path(folder, "later"), {"count": 9})
            self.assertIn("appVersion: 99.0.0", (later / "Chart.yaml").read_text())
            self.assertEqual(helm.render(later).objects[0]["data"], {"count": "9"})


VALUES = """# -- How many
count: 5
part:
  # -- On or off,
  # as one likes
  enabled: false
  # -- What it takes
  limits: { memory: 1Gi }
# -- Both
both: {}
"""
WHOLE = {
    "additionalProperties": False,
    "properties": {
        "count": {"description": "How many"},
        "part": {
            "additionalProperties": False,
            "properties": {"enabled": {"description": "On"}, "limits": {"description": "Limits"}},
        },
        "both": {"description": "Both"},
    },
}


class Use(unittest.TestCase):
    whole = {
        "properties": {
            "count": {"type": "integer"},
            "size": {"type": "integer", "maximum": 100},
            "peers": {"type": "array"},
            "on": {"type": "boolean"},
            "kind": {"enum": ["a", "b"]},
        }
    }
    text = "# -- A\ncount: 1\n# -- B\nsize: 2\n# -- C\npeers: []\n# -- D\non: true\n# -- E\nkind: a\n"
    uses = [
        "{{ .Values.count }}",
        "{{ .Values.size }}",
        "{{ .Values.peers }}",
        "{{ .Values.on }}",
        "{{ .Values.kind }}",
    ]

    def idle(self, *uses: str) -> list[str]:
        template = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: a }}\ndata: {{ a: '{' '.join(uses)}' }}\n"
        with tempfile.TemporaryDirectory() as folder, Helm("1.33") as helm:
            root = chart(folder, template)
            (root / "values.schema.json").unlink()
            (root / "values.yaml").write_text(self.text)
            return list(used.idle(helm, root, self.text, self.whole))

    def test_values_that_are_all_used_have_no_fault(self):
        self.assertEqual(self.idle(*self.uses), [])

    def test_a_value_that_no_template_reads_is_told(self):
        for place, name in enumerate(("count", "size", "peers", "on", "kind")):
            with self.subTest(name):
                self.assertEqual(self.idle(*(use for at, use in enumerate(self.uses) if at != place)), [name])


class Documentation(unittest.TestCase):
    def test_the_table_has_a_row_for_each_value(self):
        rows = documented.table(VALUES).splitlines()[2:]
        self.assertEqual([row.split("`")[1] for row in rows], ["count", "part.enabled", "part.limits", "both"])
        self.assertEqual(rows[1], "| `part.enabled` | On or off, as one likes | `false` |")

    def test_the_table_stands_between_its_marks(self):
        text = f"before\n{documented.BEGIN}\nold\n{documented.END}\nafter\n"
        made = documented.with_table(text, VALUES)
        self.assertEqual(documented.with_table(made, VALUES), made)
        self.assertTrue(made.startswith("before\n") and made.endswith("after\n") and "old" not in made)
        with self.assertRaises(ValueError):
            documented.with_table("no marks", VALUES)

    def test_values_and_schema_that_agree_have_no_fault(self):
        self.assertEqual(list(documented.faults(VALUES, WHOLE)), [])

    def test_all_mappings_with_known_keys_are_found(self):
        self.assertEqual(documented.mappings(WHOLE), ["", "part"])

    def test_where_they_differ_is_told(self):
        cut = {key: value for key, value in WHOLE["properties"].items() if key != "both"}
        for text, schema, message in [
            (VALUES + "more: 1\n", WHOLE, "values.yaml: more has no comment"),
            (VALUES + "# -- More\nmore: 1\n", WHOLE, "values.schema.json: more is missing"),
            (VALUES, WHOLE | {"properties": cut}, "values.schema.json: both is missing"),
            (VALUES, WHOLE | {"properties": WHOLE["properties"] | {"more": {}}}, "values.yaml: more is missing"),
            (VALUES, WHOLE | {"properties": WHOLE["properties"] | {"count": {}}}, "count has no description"),
            (VALUES, {"properties": WHOLE["properties"]}, "the top allows unknown keys"),
            (VALUES.replace("# -- Both\n", "# Both\n"), WHOLE, "both has no comment"),
        ]:
            with self.subTest(message):
                self.assertTrue(any(message in fault for fault in documented.faults(text, schema)))


class Configuration(unittest.TestCase):
    schema = {"properties": {"config": {"properties": {"llm": {"properties": {"provider": {}}}}}}}
    view = View(fleet())

    def test_keys_and_variables_that_agree_have_no_fault(self):
        known = {"llm.provider": "auto", "fleet.drain_seconds": "960"}
        self.assertEqual(programs.faults(known, self.schema, [self.view]), [])

    def test_what_one_side_lacks_is_told(self):
        for known, message in [
            ({"llm.provider": "", "fleet.drain_seconds": "", "s3.bucket": ""}, "the programs know s3.bucket"),
            ({"fleet.drain_seconds": ""}, "values.schema.json has config.llm.provider"),
            ({"llm.provider": ""}, "the chart sets fleet.drain_seconds"),
            (
                {"llm.provider": "", "fleet.drain_seconds": "", "fleet.health_address": "0.0.0.0:1"},
                "fleet.health_address is",
            ),
        ]:
            with self.subTest(message):
                self.assertTrue(any(message in fault for fault in programs.faults(known, self.schema, [self.view])))

    def test_edges_lie_on_both_sides_of_what_is_allowed(self):
        edges = programs.edges({"type": ["integer", "null"], "minimum": 2, "maximum": 5})
        self.assertEqual(edges, [(2, True), (1, False), (5, True), (6, False)])
        self.assertEqual(programs.edges({"enum": ["a", None]}), [("a", True), (programs.WORD, False)])
        self.assertEqual(programs.edges({"anyOf": [{"enum": ["a"]}, {"minimum": 0}]}), [("a", True), (0, True)])
        self.assertEqual(programs.edges({"type": "string"}), [])


class Cases(unittest.TestCase):
    def test_layers_merge_as_in_helm(self):
        self.assertEqual(cases.merged({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}}), {"a": {"b": 1, "c": [2]}})

    def test_options_that_stand_apart_are_options(self):
        self.assertLessEqual(set(cases.APART), cases.OPTIONS.keys())


if __name__ == "__main__":
    unittest.main()
