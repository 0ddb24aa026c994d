"""Questions over tables with text, without a model: `python scripts/eval_hybrid.py EVALS [--half tuning|held-out]`.

EVALS has `hybrid/tat_qa/tatqa_dataset_dev.json` (TAT-QA: a financial table with its paragraphs) and
`hybrid/hybridqa/` (a table whose cells lead to passages). Each context becomes one document; its passages are ranked
for the question by the encoder, as the product does, and read. Retrieval over all contexts is not what this measures.

A question counts as answered when a table gives figures (looked up or worked out); it is right when every figure or
text equals the gold answer's (to two decimals). Where no table does clearly the best sentences are quoted: for those,
how often the gold answer stands in the quotation is printed. Every citation is read from the text again. TAT-QA's
contexts are halved by the MD5 of their ids, and only the first half is tuned on. EM and F1 are over all questions, with
nothing given for one that is not answered.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from api.settings import load_settings  # noqa: E402
from index.catalogue.model import Catalogue  # noqa: E402
from index.documents import Document, Passage  # noqa: E402
from index.embedding.minilm import MiniLM  # noqa: E402
from index.search.quotes import Quote  # noqa: E402
from ingest.chunking import chunk  # noqa: E402
from query.compose.quoting import pick  # noqa: E402
from query.document_tables.grid import figure  # noqa: E402
from query.document_tables.told import table_answer  # noqa: E402
from query.evidence import CitationBook, Sentence, Slot  # noqa: E402
from query.proof.prove import Prover  # noqa: E402

TOP = 8  # passages
Value = str | Decimal


@dataclass(frozen=True)
class Asked:
    """One question with its context's text and the gold answer."""

    question: str
    gold: tuple[str, ...]
    text: str
    name: str


@dataclass(frozen=True)
class Given:
    """What was given: `values` of a table, or else the `quotation`; how many places it cites, and those that do not
    hold what is said of them or figures that stand without one."""

    values: tuple[Value, ...]
    quotation: str
    cited: int = 0
    unproven: tuple[str, ...] = ()


def half(name: str) -> str:
    """`tuning` or `held-out`."""
    number = int(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(), 16)
    return "tuning" if number < 1 << 127 else "held-out"


def tat_qa(evals: Path) -> Iterator[Asked]:
    """TAT-QA's development questions."""
    held = json.loads((evals / "hybrid" / "tat_qa" / "tatqa_dataset_dev.json").read_text(encoding="utf-8"))
    for context in held:
        texts = [p["text"] for p in sorted(context["paragraphs"], key=lambda p: p["order"])]
        text = "\n\n".join([*texts, markdown(context["table"]["table"])])
        for question in context["questions"]:
            gold = question["answer"] if isinstance(question["answer"], list) else [question["answer"]]
            yield Asked(question["question"], tuple(map(str, gold)), text, context["table"]["uid"])


def hybridqa(evals: Path) -> Iterator[Asked]:
    """HybridQA's subset: a table, and the passages that its cells lead to."""
    folder = evals / "hybrid" / "hybridqa"
    for question in json.loads((folder / "dev_subset.json").read_text(encoding="utf-8")):
        name = question["table_id"]
        table = json.loads((folder / "tables" / f"{name}.json").read_text(encoding="utf-8"))
        linked = json.loads((folder / "passages" / f"{name}.json").read_text(encoding="utf-8"))
        rows = [[cell[0] for cell in table["header"]], *([cell[0] for cell in row] for row in table["data"])]
        text = "\n\n".join([table["title"], markdown(rows), *(str(p) for p in linked.values())])
        yield Asked(question["question"], (question["answer-text"],), text, name)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table as the readers write one."""
    width = max(len(row) for row in rows)
    cells = [[" ".join(str(c).replace("|", "/").split()) for c in row] + [""] * (width - len(row)) for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([lines[0], "| " + " | ".join(["---"] * width) + " |", *lines[1:]])


class Reader:
    """Answers from one document at a time."""

    def __init__(self) -> None:
        self._embedder = MiniLM(load_settings(Path("/nonexistent"), must_exist=False).cache_dir)
        self._passages: dict[str, tuple[list[Passage], Any]] = {}

    def read(self, asked: Asked) -> Given:
        """What the document gives to the question."""
        ranked = self._ranked(asked)
        told = table_answer(asked.question, ranked, lambda _: asked.text, CitationBook())
        prover = Prover(Catalogue(()), document_text=lambda _: asked.text, stated=[asked.question])
        book = CitationBook()
        quotes = () if told else pick(asked.question, ranked, self._embedder)
        sentences = told or [Sentence(("“", quote_slot_of(q, book), "”")) for q in quotes]
        cited = sum(isinstance(part, Slot) for sentence in sentences for part in sentence.parts)
        faults = tuple(fault for sentence in sentences if (fault := prover.fault(sentence)))
        if told:
            return Given(tuple(_values(told[0].parts)), "", cited, faults)
        return Given((), " ".join(q.text for q in quotes), cited, faults)

    def _ranked(self, asked: Asked) -> list[Passage]:
        if asked.name not in self._passages:
            document = Document(asked.name, "eval", "", asked.text, frozenset({"eval"}))
            made = [
                Passage(c.chunk_id, c.doc_id, "eval", "", asked.text[c.start : c.end], c.start, c.end, 0.0, 0.0)
                for c in chunk(document)
            ]
            self._passages = {asked.name: (made, self._embedder.embed([p.text for p in made]))}
        made, vectors = self._passages[asked.name]
        near = vectors @ self._embedder.embed_query(asked.question)
        return [made[at] for at in near.argsort()[::-1][:TOP]]


def quote_slot_of(quote: Quote, book: CitationBook) -> Slot:
    """A quotation as an answer gives it."""
    passage = quote.passage
    text = passage.text[quote.start - passage.start : quote.end - passage.start]
    cited = book.cite("passage", passage.source, doc_id=passage.doc_id, start=quote.start, end=quote.end, quote=text)
    return Slot(" ".join(text.split()), text, cited)


def _values(parts: Sequence[str | Slot]) -> Iterator[Value]:
    """The figures and texts that a sentence gives: what was worked out, else what stands behind the label."""
    slots = [p for p in parts if isinstance(p, Slot)]
    worked = [s for s in slots if s.citation.kind == "aggregate"]
    if worked:
        yield Decimal(str(worked[0].value))
        return
    behind = list(parts)[list(parts).index(": ") + 1 :]
    bracketed = " (" in behind
    found = [p for p in behind if isinstance(p, Slot)]
    yield from (s.text for s in (found[::2] if bracketed else found))


def right(values: Sequence[Value], gold: Sequence[str]) -> bool:
    """True when both hold the same figures or texts, in any order."""
    left = list(gold)
    for value in values:
        match = next((g for g in left if _equal(value, g)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _equal(value: Value, gold: str) -> bool:
    one, other = value if isinstance(value, Decimal) else figure(value), figure(gold)
    if one is None or other is None:
        return _plain(str(value)) == _plain(gold)
    return any(abs(number - other) <= max(Decimal("0.011"), abs(other) / 10_000) for number in (one, one * 100))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w.%-]", " ", text.lower()).split())


def f1(given: str, gold: str) -> float:
    """Overlap of words, as the reading comprehension sets count it."""
    one, other = Counter(_plain(given).split()), Counter(_plain(gold).split())
    shared = sum((one & other).values())
    return 2 * shared / (sum(one.values()) + sum(other.values())) if shared else 0.0


def score(name: str, questions: Sequence[Asked]) -> str:
    """One line of figures."""
    reader = Reader()
    answered = hits = quoted = held = cited = 0
    unproven: list[str] = []
    overlap = 0.0
    for asked in questions:
        given = reader.read(asked)
        cited += given.cited
        unproven += given.unproven
        if given.values:
            answered += 1
            hit = right(given.values, asked.gold)
            hits += hit
            overlap += 1.0 if hit else f1(" ".join(map(str, given.values)), " ".join(asked.gold))
        elif given.quotation:
            quoted += 1
            held += all(_plain(g) in _plain(given.quotation) for g in asked.gold)
    total = len(questions)
    return (
        f"{name}: {total} questions, {answered} answered from tables, {hits} of them right "
        f"({hits / max(1, answered):.3f}); EM {hits / total:.3f}, F1 {overlap / total:.3f}; {quoted} quoted, "
        f"the gold answer in {held} of them ({held / max(1, quoted):.3f}); {total - answered - quoted} refused; "
        f"{cited} citations, {len(unproven)} of them or of the figures unproven {unproven[:3] or ''}".rstrip()
    )


def main() -> None:
    """Evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evals", type=Path)
    parser.add_argument("--half", choices=("tuning", "held-out"), default="held-out")
    parser.add_argument("--sample", type=int, default=1, help="take every Nth question")
    arguments = parser.parse_args()
    for name, questions in (("TAT-QA", tat_qa), ("HybridQA", hybridqa)):
        chosen = [q for q in questions(arguments.evals) if half(q.name) == arguments.half][:: arguments.sample]
        sys.stdout.write(score(f"{name} ({arguments.half})", chosen) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
