"""Recall and precision of masking by type, on texts with marked personal data.

    python -m scripts.eval_masking EVALS

EVALS is a folder of evaluation sets; its `safety/pii/synth_dataset_v2.json` is read (Presidio's format). The second
table is with the marked persons in the dictionary, as the catalogue's personal columns would put them there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from api.masking import render_scores
from index.masking import Masker
from index.masking.known import KnownPersons
from index.masking.score import read_marked, score

STRUCTURED = ("EMAIL_ADDRESS", "CREDIT_CARD", "PHONE_NUMBER", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "DOMAIN_NAME")


def main(evals: Path) -> int:
    """Print both tables, and the two figures that are promised; the exit status is 1 where one is missed."""
    cases = read_marked(evals / "safety" / "pii" / "synth_dataset_v2.json")
    console = Console(width=120)
    alone = score(cases, Masker().find)
    console.print(f"{len(cases):,} texts, nobody known")
    render_scores(console, alone)
    names = {text[span.start : span.end] for text, spans in cases for span in spans if span.type == "PERSON"}
    told = score(cases, Masker(KnownPersons.of(names)).find)
    console.print(f"with the {len(names):,} marked persons known")
    render_scores(console, [one for one in told if one.type == "PERSON"])
    worst = min((one.recall or 0.0, one.type) for one in alone if one.type in STRUCTURED)
    persons = next(one.recall or 0.0 for one in told if one.type == "PERSON")
    console.print(f"structured types: {worst[0]:.2%} at worst ({worst[1]}); known persons: {persons:.2%}")
    return 0 if worst[0] >= 0.99 and persons == 1.0 else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    raise SystemExit(main(Path(sys.argv[1])))
