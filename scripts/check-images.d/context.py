"""The build context: what .dockerignore lets in."""

import re
import shutil
from functools import cache
from pathlib import Path


@cache
def pattern(text):
    """A pattern of .dockerignore as a regular expression over whole paths and what lies below them."""
    out = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?)", text.strip("/")):
        out += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    return re.compile(f"{out}(?:/.*)?")


def rules(file):
    """Each line's pattern, and whether it lets in. The last that fits a path decides."""
    lines = [line.strip() for line in Path(file).read_text().splitlines()]
    return [(line.lstrip("!"), line.startswith("!")) for line in lines if line and not line.startswith("#")]


def enters(path, rules):
    """Whether the path, as seen from the root of the checkout, is in the context."""
    entered = True
    for text, lets_in in rules:
        if pattern(text).fullmatch(path):
            entered = lets_in
    return entered


def copy(source, target, rules):
    """Copies the context, and tells its files and bytes."""
    files = size = 0
    for top in sorted({text.split("/")[0] for text, lets_in in rules if lets_in}):
        top = Path(source) / top
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            name = path.relative_to(source)
            if path.is_file() and enters(str(name), rules):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target / name, follow_symlinks=False)
                files, size = files + 1, size + path.lstat().st_size
    return files, size
