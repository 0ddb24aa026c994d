"""Documents that say nearly the same, marked: MinHash of their shingles, compared where a band of it is equal.

A. Broder, "On the resemblance and containment of documents", 1997.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping

import numpy as np

from index.search.repeats import ALIKE, shingles, words_of
from index.store.likeness import LikenessLedger, Signed

_ROWS, _BANDS = 4, 16
_HASHES = _ROWS * _BANDS
_PRIME = (1 << 31) - 1
_GENERATOR = np.random.default_rng(20_260_501)
_FACTORS = _GENERATOR.integers(1, _PRIME, size=(_HASHES, 1), dtype=np.uint64)
_OFFSETS = _GENERATOR.integers(0, _PRIME, size=(_HASHES, 1), dtype=np.uint64)
_BATCH = 500


def mark_alike(store: LikenessLedger) -> int:
    """Bring signatures and groups up to date with the documents; how many signatures were made.

    Where nothing changed it costs one query.
    """
    made = 0
    signed: list[Signed] = []
    for doc_id, content, text in store.unsigned_documents():
        signed.append(Signed(doc_id, content, signature(text)))
        if len(signed) == _BATCH:
            made += len(signed)
            store.put_signatures(signed)
            signed = []
    lost = store.put_signatures(signed)
    made += len(signed)
    if made or lost:
        store.put_groups(alike(store.signatures()))
    return made


def signature(text: str) -> str:
    """The MinHash of a text, as hexadecimal digits; empty for a text of a few words."""
    held = shingles(words_of(text))
    if not held:
        return ""
    hashes = np.array([zlib.crc32(" ".join(s).encode("utf-8")) % _PRIME for s in held], dtype=np.uint64)
    least = ((_FACTORS * hashes + _OFFSETS) % np.uint64(_PRIME)).min(axis=1)
    return bytes(least.astype(">u4")).hex()


def resemblance(one: str, other: str) -> float:
    """How many shingles two texts have in common of those that either has, estimated from their signatures."""
    left, right = _numbers(one), _numbers(other)
    return float((left == right).mean()) if len(left) and len(left) == len(right) else 0.0


def alike(signatures: Mapping[str, str]) -> dict[str, str]:
    """The documents that are nearly the same as another, by `doc_id`, with the name of their group.

    The name tells nothing of the documents in it, since not everybody may see them all.
    """
    buckets: dict[tuple[int, str], str] = {}
    leader: dict[str, str] = {}
    width = 8 * _ROWS
    for doc_id in sorted(signatures):
        held = signatures[doc_id]
        bands = [(n, held[n * width : (n + 1) * width]) for n in range(_BANDS)] if held else []
        candidates = dict.fromkeys(buckets[band] for band in bands if band in buckets)
        found = next((c for c in candidates if resemblance(held, signatures[c]) >= ALIKE), None)
        if found is None:
            for band in bands:
                buckets.setdefault(band, doc_id)
        else:
            leader[doc_id] = found
    groups = {doc_id: _name(first) for doc_id, first in leader.items()}
    return groups | {first: _name(first) for first in leader.values()}


def _name(doc_id: str) -> str:
    return hashlib.blake2b(doc_id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _numbers(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.frombuffer(bytes.fromhex(text), dtype=">u4").astype(np.uint32)
