"""What an expression of PromQL names: as much of its grammar as that takes."""

import re
from dataclasses import dataclass, field

OURS = re.compile(r"\b(?:(?:langflix|rabbitmq)_\w+|ALERTS|up)\b")
"""The measures that alerts and dashboards may name. Functions and keywords look the same otherwise."""

GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!=|!~|=)\s*"([^"]*)"')
REPLACED = re.compile(r'label_replace\(.*?"(\w+)",\s*"[^"]*",\s*"\w+",', re.DOTALL)
SUFFIX = re.compile(r"_(bucket|sum|count)$")


@dataclass
class Named:
    """What one expression names."""

    matchers: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By measure: labels and what they are held against."""
    groupings: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    """Labels that the expression makes itself."""


def named(expression: str) -> Named:
    found = Named()
    bare = re.sub(r'"[^"]*"', lambda text: '"' + "·" * (len(text[0]) - 2) + '"', expression)
    for measure in OURS.finditer(bare):
        matchers = found.matchers.setdefault(measure[0], [])
        if bare[measure.end() : measure.end() + 1] == "{":
            end = bare.index("}", measure.end())
            matchers += MATCHER.findall(expression[measure.end() : end])
    for labels in GROUPING.findall(bare):
        found.groupings |= {label.strip() for label in labels.split(",") if label.strip()}
    found.made = set(REPLACED.findall(expression))
    return found


def words(pattern: str) -> list[str]:
    """The alternatives of a pattern, where it is nothing else than words."""
    return pattern.split("|") if re.fullmatch(r"\w+(\|\w+)*", pattern) else []
