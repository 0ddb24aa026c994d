"""Personal data in text: found with exact spans, replaced by pseudonyms, put back; see docs/masking.md."""

from index.masking.masker import Masked, Masker, restore
from index.masking.spans import Span

__all__ = ["Masked", "Masker", "Span", "restore"]
