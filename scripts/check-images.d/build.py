"""Builds the stages of a Dockerfile as layers of overlay file systems. What is mounted goes with the mount namespace."""

import json
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile import expand
from roots import run, stand_in


@dataclass
class Image:
    """What a stage has come to: its layers, the newest first, and how it is to be run."""

    base: str
    layers: list[Path]
    root: Path
    env: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def size(path):
    """Bytes of the files below, each counted once however many names it has."""
    seen, total = set(), 0
    for folder, _, names in os.walk(path):
        for name in names:
            told = os.lstat(os.path.join(folder, name))
            if (told.st_dev, told.st_ino) not in seen:
                seen.add((told.st_dev, told.st_ino))
                total += told.st_size
    return total


def overlay(layers, root, upper=None, work=None):
    """Mounts the layers, the newest first; without `upper` nobody can write there, not even root."""
    options = "lowerdir=" + ":".join(str(layer) for layer in layers)
    if upper:
        options += f",upperdir={upper},workdir={work}"
    root.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "overlay", "overlay", "-o", options, root)


class Builder:
    """Builds stages, each once. `binds` are folders of this machine that RUNs of stages on the image rust see."""

    def __init__(self, work, context, bases, binds):
        self.work, self.context, self.bases, self.binds = work, context, bases, binds
        self.built = {}

    def build(self, file, name):
        """The image of a stage. One that an earlier file had word for word is not built again."""
        stage = file.stages[name]
        words = [(step.op, step.flags, step.text) for step in stage.steps]
        known, image = self.built.get(name, (None, None))
        if known == words:
            return image
        for step in stage.steps:
            if dict(step.flags).get("from") in file.stages:
                self.build(file, dict(step.flags)["from"])
        below = self.build(file, stage.base) if stage.base in file.stages else stand_in(stage.base, self.bases)
        print(f"    {file.path}: {name}", flush=True)
        image = self._begin(name, below)
        values = {}
        mounted = self._mount(image)
        for step in stage.steps:
            self._step(file, image, step, values)
        for target in reversed(mounted):
            run("umount", "-R", target)
        self.built[name] = (words, image)
        return image

    def _begin(self, name, below):
        home = self.work / name
        for folder in ("upper", "work"):
            (home / folder).mkdir(parents=True)
        image = Image(below.base, [home / "upper", *below.layers], home / "root", dict(below.env), dict(below.labels), below.workdir, below.user)
        overlay(below.layers, image.root, home / "upper", home / "work")
        return image

    def _mount(self, image):
        targets = [image.root / "proc", image.root / "dev"]
        run("mount", "-t", "proc", "proc", targets[0])
        run("mount", "--rbind", "/dev", targets[1])
        for source, target in self.binds.items() if image.base.startswith("rust:") else []:
            targets.append(image.root / target)
            run("mount", "--bind", source, targets[-1])
        return targets

    def _step(self, file, image, step, values):
        # In these it is the shell that puts in variables, if one is called.
        own = step.op in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK")
        text = step.text if own else expand(step.text, {**image.env, **values})
        match step.op:
            case "ARG":
                name, _, default = text.partition("=")
                values[name] = default
            case "RUN":
                self._run(file, image, step, values)
            case "COPY":
                self._copy(image, step, shlex.split(text))
            case "ENV":
                image.env.update(word.split("=", 1) for word in shlex.split(text))
            case "LABEL":
                image.labels.update(word.split("=", 1) for word in shlex.split(text))
            case "WORKDIR":
                image.workdir = text
                (image.root / text.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                image.user = text
            case "ENTRYPOINT":
                image.entrypoint = json.loads(text)
            case "HEALTHCHECK":
                image.health = json.loads(text[text.index("[") :])

    def _run(self, file, image, step, values):
        print(f"      line {step.line}: RUN {step.text.split(chr(10))[0].rstrip(chr(92)).strip()} …", flush=True)
        environment = [f"{name}={value}" for name, value in {**image.env, **values}.items()]
        done = subprocess.run(
            ["env", "-i", *environment, "chroot", str(image.root), "env", "-C", image.workdir, "/bin/sh", "-c", step.text],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{done.stdout[-4000:]}\nerror: {file.path}:{step.line}: this RUN ended with {done.returncode}")

    def _copy(self, image, step, words):
        flags = dict(step.flags)
        origin = self.built[flags["from"]][1].root if "from" in flags else self.context
        *sources, destination = words
        into = destination.endswith("/") or len(sources) > 1
        target = image.root / os.path.join(image.workdir, destination).lstrip("/")
        for source in sources:
            path = origin / source.lstrip("/")
            if path.is_dir():
                shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True)
            else:
                target.mkdir(parents=True, exist_ok=True) if into else target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target / path.name if into else target)
        if "chown" in flags:
            run("chown", "-R", flags["chown"], target)
