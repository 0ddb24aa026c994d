"""What the readers make of a folder of test documents: one line a file, then totals by format.

Usage: eval_documents.py EVALS [--write]. EVALS is a folder with `documents` in it. Where a PDF file has a file of its
name in a folder `expected_outputs` beside it, the share of its words that our text has is printed, and the share of
ours that it has. `--write` puts the totals into docs/documents.md. Exit status 1 when a reader crashed or went over a
cap.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ingest.readers.pool import ReaderPool, Reading
from ingest.readers.wire import Limits

PAGE = Path(__file__).parents[1] / "docs/documents.md"
BEGIN, END = "<!-- totals: scripts/eval_documents.py -->", "<!-- end of totals -->"
CRASHED = re.compile(r"brought the reader down|takes longer than|too much memory|damaged \([A-Z]\w+Error")


@dataclass(frozen=True)
class Line:
    """What came of one file."""

    name: str
    kind: str
    outcome: str
    characters: int
    pages: int
    language: str
    warnings: int
    ms: float
    peak_mb: float
    found: float | None = None
    ours: float | None = None

    @property
    def read(self) -> bool:
        """True where there is text."""
        return self.outcome == "text"


def words(text: str) -> Counter[str]:
    """The words of a text, with how often each stands there."""
    return Counter(re.findall(r"\w+", text.lower()))


def shared(one: Counter[str], other: Counter[str]) -> float:
    """The share of the words of `one` that `other` has as well."""
    return (one & other).total() / max(one.total(), 1)


def lines_of(path: Path, root: Path, reading: Reading) -> Iterator[Line]:
    """A line a part of the file."""
    expected = path.parent / "expected_outputs" / f"{path.stem}.md"
    for part in reading.parts:
        name = path.relative_to(root).as_posix() + (f"#{part.place}" if part.place else "")
        cost = (reading.cost.seconds * 1e3 / len(reading.parts), reading.cost.peak_mb)
        kind = Path(part.place or path.name).suffix.lower().removeprefix(".") or "none"
        if part.document is None:
            yield Line(name, kind, part.reason, 0, 0, "", 0, *cost)
            continue
        held = part.document
        pages = len({s.page for s in held.sections if s.page is not None})
        line = Line(name, kind, "text", len(held.text), pages, held.meta.get("language", ""), len(held.warnings), *cost)
        if expected.is_file() and path.suffix == ".pdf":
            theirs, ours = words(expected.read_text(encoding="utf-8")), words(held.text)
            line = with_shares(line, theirs, ours)
        yield line


def with_shares(line: Line, theirs: Counter[str], ours: Counter[str]) -> Line:
    """`line` with how its words compare with those expected."""
    values = vars(line) | {"found": shared(theirs, ours), "ours": shared(ours, theirs)}
    return Line(**values)


def percent(value: float | None) -> str:
    """A share, or nothing."""
    return "" if value is None else f"{value:.0%}"


def table(lines: Sequence[Line]) -> Iterator[str]:
    """The lines as text."""
    yield f"{'file':70} {'characters':>10} {'pages':>5} {'lang':4} {'warn':>4} {'ms':>7} {'MB':>5}  outcome"
    for one in lines:
        outcome = one.outcome
        if one.found is not None:
            outcome += f", has {percent(one.found)} of the words expected; {percent(one.ours)} of its own are expected"
        name = one.name if len(one.name) <= 70 else "..." + one.name[-67:]
        numbers = f"{one.characters:10,} {one.pages or '':>5} {one.language:4} {one.warnings or '':>4}"
        yield f"{name:70} {numbers} {one.ms:7.1f} {one.peak_mb:5.0f}  {outcome}"


def totals(lines: Sequence[Line]) -> Iterator[str]:
    """A Markdown table by format."""
    yield "| format | files | text | a reason instead | characters | ms a file, mean | most MB |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    kinds = sorted({one.kind for one in lines})
    for kind in [*kinds, ""]:
        some = [one for one in lines if one.kind == kind] if kind else list(lines)
        read = sum(one.read for one in some)
        ms, peak = sum(one.ms for one in some) / len(some), max(one.peak_mb for one in some)
        numbers = f"{len(some)} | {read} | {len(some) - read} | {sum(one.characters for one in some):,}"
        yield f"| {kind or 'all'} | {numbers} | {ms:,.0f} | {peak:,.0f} |"


def main(evals: Path, write: bool) -> int:
    """Read everything, and print what came of it."""
    root = evals / "documents"
    paths = sorted(path for path in root.rglob("*") if path.is_file() and "expected_outputs" not in path.parts)
    found: list[Line] = []
    with ReaderPool(1, Limits()) as readers:
        for path, reading in zip(paths, readers.read_all(paths), strict=True):
            found += lines_of(path, root, reading)
    say = sys.stdout.write
    say("\n".join(table([one for one in found if "handbook" not in one.name])) + "\n\n")
    say("\n".join(totals(found)) + "\n\n")
    compared = [one for one in found if one.found is not None]
    for one in compared:
        say(f"{one.name}: {percent(one.found)} of the words expected, {percent(one.ours)} of ours expected\n")
    reasons = Counter(re.sub(r".*?: ", "", one.outcome, count=1)[:60] for one in found if not one.read)
    say("\n".join(f"{times:4} {reason}" for reason, times in reasons.most_common()) + "\n")
    crashed = [one for one in found if CRASHED.search(one.outcome)]
    say(f"{len(found)} parts of {len(paths)} files, {len(crashed)} crashes or caps\n")
    if write:
        put_totals("\n".join(totals(found)), compared)
    return 1 if crashed else 0


def put_totals(text: str, compared: Sequence[Line]) -> None:
    """Replace the totals in docs/documents.md."""
    page = PAGE.read_text(encoding="utf-8")
    rows = [f"| {Path(one.name).name} | {percent(one.found)} | {percent(one.ours)} |" for one in compared]
    head = "| file | of the words expected | of ours expected |\n| --- | --- | --- |\n"
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    body = f"\n\n{text}\n\n{head}" + "\n".join(rows) + "\n\n"
    PAGE.write_text(page[:begin] + body + page[end:], encoding="utf-8")


if __name__ == "__main__":
    arguments = [word for word in sys.argv[1:] if word != "--write"]
    sys.exit(main(Path(arguments[0]), "--write" in sys.argv))
