"""Sentences for who listens while an answer is made: each is told once it holds, before the rest is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from query.compose.markdown import number, render
from query.drafts.letters import stated_addresses
from query.evidence import Citation, Sentence
from query.proof.addresses import cleaned
from query.proof.prove import Proof, Prover, Removed

Notify = Callable[[str, Mapping[str, object]], None]


def proven(prover: Prover, sentences: Iterable[Sentence], notify: Notify | None) -> Proof:
    """`prover.prove`; with `notify` each sentence that holds is told at once, as the answer will write it.

    The event `sentence` has `text` (Markdown, with the marks that the answer will have) and `block`.
    """
    kept: list[Sentence] = []
    removed: list[Removed] = []
    for sentence in sentences:
        one = prover.prove((sentence,))
        kept += one.kept
        removed += one.removed
        if one.kept and notify is not None:
            told(sentence, number(kept), notify)
    return Proof(tuple(kept), tuple(removed))


def tell_all(sentences: Sequence[Sentence], notify: Notify) -> None:
    """Tell sentences that hold already, as a model put them."""
    numbers = number(sentences)
    for sentence in sentences:
        told(sentence, numbers, notify)


def told(sentence: Sentence, numbers: dict[int, Citation], notify: Notify) -> None:
    """Tell one sentence, cleaned as the whole answer is before it leaves."""
    mine = [numbers[citation.n] for citation in sentence.citations() if citation.n in numbers]
    text = cleaned(render((sentence,), numbers), stated_addresses(mine)).text
    notify("sentence", {"text": text, "block": sentence.block})
