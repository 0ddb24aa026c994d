"""Texts as the encoder's graph takes them: each in a row of its own, or several one behind the other in one row.

A row of its own is padded to the longest of the batch, and what is padded is computed as well. Short texts of different
lengths, as questions are, stand behind each other, where no text sees another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

Tokens = Sequence[Sequence[int]]
Inputs = dict[str, npt.NDArray[np.int32]]


def rows_apart(tokens: Tokens, width: int) -> Inputs:
    """Each text in a row of its own, padded to `width` tokens."""
    ids, mask = np.zeros((2, len(tokens), width), dtype=np.int32)
    for row, one in enumerate(tokens):
        ids[row, : len(one)] = one
        mask[row, : len(one)] = 1
    positions = np.broadcast_to(np.arange(width, dtype=np.int32), ids.shape)
    seen = np.broadcast_to(mask[:, None, :], (len(tokens), width, width))
    return _inputs(ids, positions, seen, mask)


def row_lengths(tokens: Tokens) -> list[int]:
    """How many places each text takes in a row: an even number. Processors add products of bfloat16 up in pairs, so a
    text that begins at an even place has the very vector that it has alone."""
    return [len(one) + len(one) % 2 for one in tokens]


def one_row(tokens: Tokens, step: int) -> Inputs:
    """All texts in one row, padded to a multiple of `step` tokens."""
    lengths = row_lengths(tokens)
    ids, positions, owner = np.zeros((3, -(-sum(lengths) // step) * step), dtype=np.int32)
    for number, (one, start) in enumerate(zip(tokens, accumulate(lengths[:-1], initial=0), strict=True), 1):
        here = slice(start, start + len(one))
        ids[here], positions[here], owner[here] = one, range(len(one)), number
    texts = owner == np.arange(1, len(tokens) + 1, dtype=np.int32)[:, None]
    return _inputs(ids[None], positions[None], owner[None, :, None] == owner[None, None, :], texts)


def _inputs(
    ids: npt.NDArray[np.int32],
    positions: npt.NDArray[np.int32],
    seen: npt.NDArray[np.int32] | npt.NDArray[np.bool_],
    texts: npt.NDArray[np.int32] | npt.NDArray[np.bool_],
) -> Inputs:
    named = {"input_ids": ids, "positions": positions, "attention_mask": seen, "texts": texts}
    return {name: np.ascontiguousarray(array, dtype=np.int32) for name, array in named.items()}
