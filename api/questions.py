"""Checks on what people send, the same for the command line, HTTP and Python."""

from __future__ import annotations

import re

from index.errors import EmptyQuestion, UsageError

MAX_QUESTION = 4_000  # characters
MAX_K = 200


def checked_question(text: object) -> str:
    """`text` without the space around it; raises `EmptyQuestion`, or `UsageError` for no text or too long a one."""
    if not isinstance(text, str):
        raise UsageError(f"a question is a text, not {type(text).__name__}", hint='for example {"question": "..."}')
    if not any(character.isalnum() for character in text):
        raise EmptyQuestion("the question is empty", hint='for example: tower ask "How many customers do we have?"')
    if len(text) > MAX_QUESTION:
        raise UsageError(
            f"the question has {len(text):,} characters; at most {MAX_QUESTION:,} are read",
            hint="ask about one thing at a time; documents are brought in with `tower ingest`",
        )
    if "\x00" in text:
        raise UsageError("the question holds a NUL character", hint="send plain text")
    return text.strip()


def checked_conversation(name: str) -> str:
    """The name of a conversation: up to 64 letters, digits and `. _ -`; empty for none. Raises `UsageError`."""
    if name and not re.fullmatch(r"[\w.-]{1,64}", name, re.ASCII):
        raise UsageError(
            "a conversation's name has 1 to 64 letters, digits, dots, dashes or underscores",
            hint="take the `conversation_id` of the answer before",
        )
    return name


def checked_k(k: int) -> int:
    """How many passages: 1 to 200."""
    if not 1 <= k <= MAX_K:
        raise UsageError(f"k is {k}; it must be from 1 to {MAX_K}", hint="for example -k 10")
    return k
