"""The writer: a model puts proven sentences into other words, and has nothing but words to put in.

Every figure, name, date and quotation is a placeholder; what the placeholders stand for never leaves. What comes back
is read into sentences with the same slots and goes through the same checker. A sentence that brings a figure, a name, a
link, a denial or a direction of its own is sent back, twice at most; then the sentences stay as they were.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from index.errors import TowerError
from index.masking.known import KnownPersons
from query.compose.written import UNWORDED, Written
from query.evidence import Sentence, Slot
from query.models.model import Message, Model
from query.models.outgoing import Outgoing
from query.proof.claims import PROMISE
from query.proof.prove import Prover
from query.text2sql.thesaurus import FUNCTION_WORDS

REWRITES = 2
MOST_SLOTS = 60  # a longer text stays as it is
MOST_FAULTS = 8  # that are sent back
MOST_CHARACTERS = 6_000  # of a reply
PROSE = frozenset({"paragraph", "bullet", "subbullet"})
_PLACE = re.compile(r"\{f(\d{1,3})\}")
_FOREIGN = re.compile(
    r"https?:|www\.|[<>\[\]`]|\w@\w|\b\w+\.(?:com|net|org|io|de|eu)\b|[\u200b-\u200f\u202a-\u202e\u2060-\u2064]"
)
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_DENIAL = re.compile(r"\b(?:not|no|never|none|without|neither|nor|cannot|\w+n['’]t)\b", re.I)
_DIRECTION = re.compile(
    r"\b(?:rose|risen|rise|rising|fell|fall|fallen|falling|grew|grown|growing|increas\w*|decreas\w*|declin\w*|dropp?\w*|"
    r"improv\w*|worsen\w*|higher|lower|more|less|most|least|best|worst|highest|lowest|largest|smallest)\b",
    re.I,
)
_SYSTEM = """You put statements of a business report into clear, plain prose.
Every line of the input is one statement. Placeholders such as {f3} stand for figures, names, dates and quotations.
Rules:
- Answer with the statements in your words, one a line, in the same order, each with the mark it has in front.
- Use every placeholder of a line in that line, exactly as it is written, and no other.
- Write no figures, number words, names, dates or links of your own. Deny or compare nothing that the line does not.
- Answer with the lines only."""


@dataclass(frozen=True)
class ModelWriter:
    """Asks `model`; all of one text, rewrites included, takes at most `within_s` seconds. `persons` are the known
    names, which are masked in the fixed words that leave."""

    model: Model
    persons: Callable[[], KnownPersons | None]
    within_s: float = 20.0

    def rewrite(self, sentences: Sequence[Sentence], prover: Prover) -> Written:
        """`sentences` in the model's words where those hold; else as they were, with a notice. Rows of tables stay."""
        group = [s for s in sentences if s.block in PROSE]
        slots = [p for s in group for p in s.parts if isinstance(p, Slot)]
        if not slots or len(slots) > MOST_SLOTS:
            return Written(tuple(sentences))
        outgoing = Outgoing()
        try:
            outgoing.persons = self.persons()
            made = self._made(group, slots, prover, outgoing)
        except TowerError as error:
            notice = f"{UNWORDED} {self.model.name}: {error.message}."
            return Written(tuple(sentences), (notice,), outgoing.record(self.model.name), failed=True)
        if made is None:
            notice = f"{UNWORDED} {self.model.name}: what it wrote could not be proven."
            return Written(tuple(sentences), (notice,), outgoing.record(self.model.name))
        new = iter(made)
        kept = tuple(next(new) if s.block in PROSE else s for s in sentences)
        return Written(kept, (), outgoing.record(self.model.name))

    def shared(self) -> SharedWriter:
        """The writer for several texts of one answer, which have `within_s` seconds together."""
        return SharedWriter(self, time.monotonic() + self.within_s)

    def _made(
        self, group: Sequence[Sentence], slots: Sequence[Slot], prover: Prover, outgoing: Outgoing
    ) -> list[Sentence] | None:
        """The group in the model's words; None where no try holds."""
        until = time.monotonic() + self.within_s
        told = "\n".join(_line(s, slots, outgoing) for s in group)
        messages = [Message("system", _SYSTEM), Message("user", told)]
        for _ in range(1 + REWRITES):
            outgoing.sent(messages)
            reply = self.model.complete(messages, within_s=until - time.monotonic()).text
            lines = [line for line in outgoing.put_back(reply[:MOST_CHARACTERS]).splitlines() if line.strip()]
            faults = [f"{len(lines)} lines came back, {len(group)} are needed"] if len(lines) != len(group) else []
            made = [_read(line, sentence, slots) for line, sentence in zip(lines, group, strict=False)]
            faults = faults or [
                f"line {at}: {fault}"
                for at, (new, old) in enumerate(zip(made, group, strict=True), 1)
                if (fault := _fault(new, old, prover))
            ]
            if not faults:
                return made
            said = "; ".join(outgoing.mask("fault", fault) for fault in faults[:MOST_FAULTS])
            again = Message("user", f"That does not hold. {said}. Write all lines again.")
            messages = [*messages, Message("assistant", reply[:MOST_CHARACTERS]), again]
        return None


@dataclass
class SharedWriter:
    """Writes several texts until `until` (of the monotonic clock); a model that failed is not asked again."""

    writer: ModelWriter
    until: float
    failed: bool = False

    def rewrite(self, sentences: Sequence[Sentence], prover: Prover) -> Written:
        """As `ModelWriter.rewrite`."""
        if self.failed:
            return Written(tuple(sentences))
        left = max(0.0, self.until - time.monotonic())
        written = replace(self.writer, within_s=left).rewrite(sentences, prover)
        self.failed = written.failed
        return written

    def shared(self) -> SharedWriter:
        """Itself."""
        return self


def _line(sentence: Sentence, slots: Sequence[Slot], outgoing: Outgoing) -> str:
    """A sentence as it may leave: fixed words masked, slots as placeholders."""
    mark = {"bullet": "- ", "subbullet": "  - "}.get(sentence.block, "")
    parts = (outgoing.mask("words", p) if isinstance(p, str) else f"{{f{_number(p, slots)}}}" for p in sentence.parts)
    return mark + " ".join("".join(parts).split())


def _number(slot: Slot, slots: Sequence[Slot]) -> int:
    return next(at for at, one in enumerate(slots, 1) if one is slot)


def _read(line: str, old: Sentence, slots: Sequence[Slot]) -> Sentence:
    """A line of the reply with its slots put back; a number that stands for none stays as text, which is a fault."""
    text = re.sub(r"^\s*(?:[-*•]\s+)?", "", line).rstrip()
    parts: list[str | Slot] = []
    end = 0
    for found in _PLACE.finditer(text):
        at = int(found[1])
        if 1 <= at <= len(slots):
            parts += [text[end : found.start()], slots[at - 1]]
            end = found.end()
    parts.append(text[end:])
    return Sentence(tuple(p for p in parts if p != ""), old.block)


def _own_name(new: Sentence, before: str) -> str:
    """A capitalised word of the reply that its line does not have: as far as anybody knows, a name."""
    known = {w.lower() for w in _WORD.findall(before)}
    for part in new.parts:
        for found in _WORD.finditer(part) if isinstance(part, str) else ():
            word = found.group()
            if word[:1].isupper() and word.lower() not in known and word.lower() not in FUNCTION_WORDS:
                return word
    return ""


def _fault(new: Sentence, old: Sentence, prover: Prover) -> str:
    """Why a line does not hold; empty when it does."""
    words = " ".join(p for p in new.parts if isinstance(p, str))
    before = " ".join(p for p in old.parts if isinstance(p, str))
    wanted = [p for p in old.parts if isinstance(p, Slot)]
    had = [p for p in new.parts if isinstance(p, Slot)]
    if {id(p) for p in wanted} != {id(p) for p in had}:
        return "it does not use exactly the placeholders of its line"
    if _FOREIGN.search(words):
        return "it holds a link, an address or markup"
    if (claim := PROMISE.search(words)) and claim.group().lower() not in before.lower():
        return f"{claim.group()!r} promises or claims what its line does not"
    if name := _own_name(new, before):
        return f"{name!r} does not stand in its line"
    for pattern, what in ((_DENIAL, "denies"), (_DIRECTION, "compares")):
        told = {m.group().lower() for m in pattern.finditer(before)}
        extra = [m.group() for m in pattern.finditer(words) if m.group().lower() not in told]
        gone = pattern is _DENIAL and told and not pattern.search(words)
        if extra or gone:
            return f"it {what} otherwise than its line ({extra[0] if extra else 'left out'})"
    return prover.fault(new)
