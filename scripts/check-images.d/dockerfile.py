"""Reads as much of the Dockerfile language as ours use, and refuses the rest."""

import re
from dataclasses import dataclass, field

KNOWN = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "RUN", "USER", "WORKDIR"}
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})")


@dataclass(frozen=True)
class Step:
    line: int
    op: str
    flags: tuple[tuple[str, str], ...]
    text: str


@dataclass
class Stage:
    name: str
    base: str
    steps: list[Step] = field(default_factory=list)

    def words(self):
        """What the stage says, wherever in the file it says so."""
        return [(step.op, step.flags, step.text) for step in self.steps]


@dataclass
class Dockerfile:
    path: str
    stages: dict[str, Stage]


def expand(text, values):
    """Puts in the values of variables, as Docker does outside RUN."""

    def value(found):
        name = found[1] or found[2]
        have = values.get(name, "")
        if found[3] == "+":
            return expand(found[4], values) if have else ""
        if found[3] == "-":
            return have or expand(found[4], values)
        return have

    return VARIABLE.sub(value, text)


def instructions(path):
    """The file's instructions, each with the line it begins on, its continuation lines joined."""
    text, began = "", 0
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.lstrip().startswith("#") or not (text or line.strip()):
            continue
        began = began if text else number
        if line.endswith("\\"):
            text += line[:-1] + "\n"
            continue
        yield began, text + line
        text = ""


def read(path):
    """The file's stages."""
    outer, stages, stage = {}, {}, None
    for line, text in instructions(path):
        op, rest = text.split(None, 1)
        flags = []
        while rest.startswith("--"):
            flag, rest = rest.split(None, 1)
            flags.append(tuple(flag[2:].split("=", 1)))
        if op == "FROM":
            base, _, name = expand(rest, outer).split()
            stage = stages[name] = Stage(name, base)
        elif stage is None and op == "ARG":
            name, _, default = rest.partition("=")
            outer[name] = default
        elif op in KNOWN and stage is not None:
            stage.steps.append(Step(line, op, tuple(flags), rest.replace("\n", " ") if op != "RUN" else rest.replace("\n", "\\\n")))
        else:
            raise SystemExit(f"error: {path}:{line}: {op} is not understood here")
    return Dockerfile(str(path), stages)
