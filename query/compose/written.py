"""Proven sentences after a writer had them."""

from __future__ import annotations

from dataclasses import dataclass

from query.evidence import Sentence
from query.plan import Egress

UNWORDED = "Written without the model"  # how a notice begins that says so


@dataclass(frozen=True)
class Written:
    """The sentences to show, what to tell about them, and what left for the model; `failed` where it did not answer."""

    sentences: tuple[Sentence, ...]
    notices: tuple[str, ...] = ()
    egress: tuple[Egress, ...] = ()
    failed: bool = False
