"""What Tower says to a greeting, or when it is asked what it can do: what is held here, and questions to try."""

from __future__ import annotations

import re

from index.catalogue.model import Catalogue

MOST_NAMED = 12
_GREETING = re.compile(
    r"^\W*(?:hello|hi|hey|good (?:morning|afternoon|evening)|thanks?(?: you)?(?: very much| a lot)?|"
    r"help(?: me)?|(?:what|how) can (?:you|i) (?:do|ask|help)(?: me| here)?|"
    r"what questions can i ask(?: you| here)?|"
    r"what do you (?:know|have|hold)|what data (?:do you have|is there)|how (?:do|does) (?:this|it|tower) work|"
    r"who are you|what (?:is|are) (?:this|tower|you))\W*$",
    re.I,
)


def asks_for_help(question: str) -> bool:
    """True for a greeting, or a question about Tower instead of the data."""
    return bool(_GREETING.match(question))


def introduction(catalogue: Catalogue) -> str:
    """What is held here in the catalogue's own words, with questions that it can answer."""
    told = [f"Ask about {_listed([t.label.lower() for t in catalogue.tables])}." if catalogue.tables else ""]
    if catalogue.metrics:
        told.append(f"Measures have names: {_listed([m.label.lower() for m in catalogue.metrics])}.")
    told.append("What the documents say is quoted, with its place.")
    examples = [f"“{example}”" for example in _examples(catalogue)]
    if examples:
        told.append(f"For example: {', '.join(examples)}.")
    return " ".join(part for part in told if part)


def _examples(catalogue: Catalogue) -> list[str]:
    examples = []
    if catalogue.tables:
        examples.append(f"How many {catalogue.tables[0].label.lower()} are there?")
    if catalogue.metrics:
        examples.append(f"{catalogue.metrics[0].label} by month this year")
    for score in catalogue.scores[:1]:
        entity = catalogue.entity(score.entity)
        table = catalogue.table(entity.table) if entity else None
        called = (score.synonyms or (score.label,))[0]
        if table is not None:
            examples.append(f"Which {table.label.lower()} are {called}?")
    return examples


def _listed(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = ", and more" if len(unique) > MOST_NAMED else ""
    return ", ".join(unique[:MOST_NAMED]) + more
