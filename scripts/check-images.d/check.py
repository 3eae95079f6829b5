"""Builds the images' stages in plain root file systems, and runs what they hold as a pod would. scripts/check-images calls it."""

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import context
import dockerfile
from build import Builder, overlay, size
from roots import STAND_INS

HERE = Path(__file__).parent
FILES = ["Dockerfile.worker", "Dockerfile.gpu"]
SHARED = ["chef", "plan", "build"]
# Stage, its services, and its limit in bytes.
IMAGES = {
    "worker": (["langflix-dispatcher", "langflix-analysis-worker"], 120_000_000),
    "media": (["langflix-dispatcher", "langflix-analysis-worker", "langflix-encoding-worker"], None),
    "gpu": (["langflix-encoding-worker"], None),
}
LABELS = ["title", "description", "version", "revision", "created", "source", "licenses"]
SAMPLE = "usr/local/share/langflix/sample/The Long Way Home/S01"
# Names as secrets have them, each where it could lie in a checkout.
SECRETS = [
    ".env", ".git/config", "langflix.yaml", "id_ed25519", "output/x.json", "services/.env", "services/dispatcher/.env.local",
    "services/langflix/src/.netrc", "shared/s3/key.pem", "shared/rabbitmq/tls/server.key", "scripts/secrets", "deploy/compose.yaml",
]  # fmt: skip


def say(text):
    print(f"\n==> {text}", flush=True)


def require(holds, text):
    if not holds:
        raise SystemExit(f"error: {text}")


def megabytes(count):
    return f"{count / 1e6:.1f} MB"


def check_context(work):
    rules = context.rules(".dockerignore")
    for name in SECRETS:
        require(not context.enters(name, rules), f".dockerignore lets {name} into the images' context")
    files, count = context.copy(Path(), work / "context", rules)
    print(f"    {files} files, {megabytes(count)}; none of {len(SECRETS)} names of secrets gets in")


def check_dependencies(builder, file):
    """What the layer of dependencies is made from must not change with our sources."""
    plan = builder.build(file, "plan").root / "recipe.json"
    before = plan.read_bytes()
    changed = [builder.context / name for name in ["services/dispatcher/src/lib.rs", "shared/domain/README.md"]]
    originals = [path.read_bytes() for path in changed]
    for path in changed:
        path.write_bytes(path.read_bytes() + b"\n// Another line.\n")
    again = Builder(builder.work / "again", builder.context, builder.bases, builder.binds)
    again.built["chef"] = builder.built["chef"]
    after = (again.build(file, "plan").root / "recipe.json").read_bytes()
    for path, original in zip(changed, originals):
        path.write_bytes(original)
    require(before == after, "a changed source changes cargo-chef's recipe, so that all dependencies would be compiled again")
    print("    a changed source leaves the recipe for dependencies as it was")


def check_driver_floor(builder, file, image):
    """The step must fail where ffmpeg asks for another driver."""
    step = next(step for step in file.stages["gpu"].steps if step.op == "RUN" and "$DRIVER_FLOOR" in step.text)
    try:
        builder._run(file, image, step, {"DRIVER_FLOOR": "999.99.99"})
    except SystemExit:
        print("    the check of the driver's version refuses another")
    else:
        raise SystemExit("error: the check of the driver's version accepts 999.99.99")


def start(image, root, mode, command, health=()):
    """Runs a program of the image as a pod would, and gives what it said."""
    environment = {
        **image.env,
        "LANGFLIX__S3__BUCKET": "langflix",
        "LANGFLIX__S3__ENDPOINT": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "AK",
        "AWS_SECRET_ACCESS_KEY": "SK",
        "HEALTH": "\n".join(health),
    }
    done = subprocess.run(
        ["env", "-i", *(f"{name}={value}" for name, value in environment.items()),
         "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", HERE / "inside", mode, root, *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
    )  # fmt: skip
    require(done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def check_form(name, image):
    require(image.user == "10001:10001", f"{name} runs as {image.user}, not as 10001:10001")
    for label in LABELS:
        require(image.labels.get(f"org.opencontainers.image.{label}"), f"{name} has no label {label}")
    for program in sorted((image.root / "usr/local/bin").iterdir()):
        sections = subprocess.run(["readelf", "-SW", program], check=True, capture_output=True, text=True).stdout
        require(not re.search(r"\.(symtab|debug_info|debug_line)\b", sections), f"{program.name} in {name} is not stripped")
    state = image.root / "var/lib/langflix"
    authorities = image.root / "etc/ssl/certs/ca-certificates.crt"
    require(authorities.is_file() and authorities.stat().st_size > 100_000, f"{name} has no certificates of authorities")
    require(state.stat().st_uid == state.stat().st_gid == 10001, f"/var/lib/langflix in {name} is not 10001's")


def check_sizes(name, image, limit, debug):
    base, whole = size(image.layers[-1]), size(image.root)
    for program in sorted((image.root / "usr/local/bin").iterdir()):
        print(f"    {program.name}: {megabytes(program.stat().st_size)}")
    print(f"    base {megabytes(base)}, added {megabytes(whole - base)}, together {megabytes(whole)}")
    if limit and debug:
        print(f"    not held against its limit of {megabytes(limit)}: these are debug builds")
    elif limit:
        require(whole <= limit, f"{name} takes {megabytes(whole)}, more than {megabytes(limit)}")


def keep_packages(name, image, home):
    """Leaves dpkg's record for scripts/sbom, but where the stand-in's packages are not the image's."""
    folder = home / "dpkg" / name
    shutil.rmtree(folder, ignore_errors=True)
    if not image.base.startswith("nvidia/"):
        kept = shutil.ignore_patterns("info", "*-old", "lock*", "triggers", "updates", "alternatives", "parts")
        shutil.copytree(image.root / "var/lib/dpkg", folder, ignore=kept)


def check_running(name, image, services, work):
    root = work / f"{name}-read-only"
    overlay(image.layers, root)
    told = start(image, root, "once", [image.entrypoint[0], "--version"]).strip()
    print(f"    {image.entrypoint[0]} --version: {told}")
    for service in services:
        start(image, root, "serve", [f"/usr/local/bin/{service}"], image.health)
        print(f"    {service}: answers /livez{' and HEALTHCHECK' if image.health else ''}, ends well at SIGTERM")
    if (root / SAMPLE).is_dir():
        command = ["run", f"/{SAMPLE}", "--language", "ko", "--target-subs-suffix", ".ko", "--max-expressions", "3", "--burn", "both"]
        said = start(image, root, "once", [image.entrypoint[0], *command, "--out", "/var/lib/langflix/output", "--json"])
        require('"status":"complete"' in said, f"the sample's run is not complete\n{said[-3000:]}")
        print("    langflix run on the sample: complete")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--toolchain", type=Path, required=True)
    parser.add_argument("--registry", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--debug", action="store_true")
    asked = parser.parse_args()
    stages = asked.home / "stages"
    shutil.rmtree(stages, ignore_errors=True)
    for folder in (stages, asked.home / "kept"):
        folder.mkdir(parents=True, exist_ok=True)

    say("Context")
    check_context(stages)
    files = [dockerfile.read(Path(name)) for name in FILES]
    for name in SHARED:
        said = [[(step.op, step.flags, step.text) for step in file.stages[name].steps] for file in files]
        require(said[0] == said[1], f"the stage {name} is not the same in {' and '.join(FILES)}")

    say("Root file systems in place of images")
    for image, known in STAND_INS.items():
        print(f"    {image}: {known.told}")

    say("Stages; dependencies and programs are not compiled")
    # Shared by all stages on the image rust; the certificates are this machine's, by which it reaches the registry.
    binds = {
        asked.toolchain: "opt/toolchain", asked.programs: "opt/programs", asked.registry: "usr/local/cargo/registry",
        asked.home / "kept": "opt/kept", Path("/etc/ssl/certs"): "etc/ssl/certs",
    }  # fmt: skip
    builder = Builder(stages, stages / "context", asked.home / "bases", binds)
    images = {name: builder.build(files["gpu" == name], name) for name in IMAGES}
    check_dependencies(builder, files[0])
    check_driver_floor(builder, files[1], images["gpu"])

    for name, (services, limit) in IMAGES.items():
        say(f"Image {name}")
        check_form(name, images[name])
        check_sizes(name, images[name], limit, asked.debug)
        check_running(name, images[name], services, stages)
        keep_packages(name, images[name], asked.home)


main()
