"""Personal data taken out of log lines and error messages: only what is certain, for good, and nothing else."""

from __future__ import annotations

from index.masking.known import KnownPersons
from index.masking.masker import Masker

_CERTAIN = frozenset({"EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "URL_CREDENTIALS", "PERSON"})


def redact(text: str, known: KnownPersons | None = None) -> str:
    """`text` with `<EMAIL_ADDRESS>` and the like in the place of what identifies somebody.

    Paths, times, ids and addresses of machines stay, as a log is read for them; a telephone number goes where it is
    known, or begins with `+`.

    >>> redact("no answer for ann@example.com")
    'no answer for <EMAIL_ADDRESS>'
    """
    parts, last = [], 0
    known_spans = frozenset(known.spans(text)) if known is not None else frozenset()
    for span in Masker(known, guess_names=False).find(text):
        phone = span.type == "PHONE_NUMBER" and (text[span.start] == "+" or span in known_spans)
        if span.type in _CERTAIN or phone:
            parts += [text[last : span.start], f"<{span.type}>"]
            last = span.end
    return "".join([*parts, text[last:]])
