"""Joins the programs' bills of materials and the packages of an image to one for the image. scripts/sbom calls it."""

import argparse
import hashlib
import json
import uuid
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def packages(dpkg, system):
    """The packages that are installed, by dpkg's own record: one file, or in distroless images a file each."""
    files = [dpkg / "status"] if (dpkg / "status").is_file() else []
    files += [path for path in (dpkg / "status.d").glob("*") if path.suffix != ".md5sums"]
    distribution = system.split("-")[0]
    found = {}
    for file in files:
        for stanza in file.read_text().split("\n\n"):
            told = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
            if "Package" not in told or "installed" not in told.get("Status", "install ok installed").split():
                continue
            name, version, kind = told["Package"], told["Version"], told["Architecture"]
            purl = f"pkg:deb/{distribution}/{name}@{version.replace(':', '%3A')}?arch={kind}&distro={system}"
            found[purl] = {
                "type": "library",
                "bom-ref": purl,
                "name": name,
                "version": version,
                "supplier": {"name": told.get("Maintainer", distribution)},
                "purl": purl,
            }
    if not found:
        raise SystemExit(f"error: no installed package is recorded in {dpkg}")
    return found


def crates(boms, source):
    """The programs, and the crates in them with what each depends on. Where the sources lay is nobody's business."""
    programs, found, edges = [], {}, {}
    for path in boms:
        bom = json.loads(path.read_text().replace(f"path+file://{source}/", "langflix:"))
        program = bom["metadata"]["component"]
        program.pop("components", None)
        programs.append(program["bom-ref"])
        for component in [program, *bom["components"]]:
            if component["bom-ref"].startswith("langflix:"):
                component["purl"] = component["purl"].split("?")[0]
            found.setdefault(component["bom-ref"], component)
        for edge in bom["dependencies"]:
            edges.setdefault(edge["ref"], set()).update(edge.get("dependsOn", []))
    return programs, found, edges, bom["metadata"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--system", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--dpkg", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("boms", type=Path, nargs="+")
    asked = parser.parse_args()

    programs, found, edges, metadata = crates(asked.boms, asked.source)
    installed = packages(asked.dpkg, asked.system)
    version = found[programs[0]]["version"]
    edges[asked.name] = {*programs, *installed}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": metadata["timestamp"],
            "tools": metadata["tools"],
            "component": {"type": "container", "bom-ref": asked.name, "name": asked.name, "version": version},
        },
        "components": [component for _, component in sorted({**found, **installed}.items())],
        "dependencies": [{"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(edges.items())],
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()
    document["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}"
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    if wrong:
        raise SystemExit(f"error: the document is no CycloneDX 1.5: {wrong}")
    asked.out.write_text(text)
    print(f"{asked.out}: {len(found)} crates, {len(installed)} packages")


main()
