"""Packed RTF as Outlook keeps it (MS-OXRTFCP): LZ with a dictionary that begins with common RTF."""

from __future__ import annotations

import struct

from index.errors import SourceError

_BEGINNING = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_SIZE = 4096
_LIMIT = 50_000_000


def unpack_rtf(packed: bytes) -> bytes:
    """The RTF source in a packed property; one that is damaged is a `SourceError`."""
    if len(packed) < 16:
        raise SourceError("the packed RTF is cut off")
    _, raw_size, kind, _ = struct.unpack_from("<IIII", packed)
    if kind == 0x414C454D:  # MELA: not packed
        return packed[16 : 16 + raw_size]
    if kind != 0x75465A4C or raw_size > _LIMIT:  # LZFu
        raise SourceError("the packed RTF is damaged")
    ring = bytearray(_SIZE)
    ring[: len(_BEGINNING)] = _BEGINNING
    write, place = len(_BEGINNING), 16
    out = bytearray()
    while place < len(packed) and len(out) < _LIMIT:
        control = packed[place]
        place += 1
        for bit in range(8):
            if control >> bit & 1:
                if place + 1 >= len(packed):
                    return bytes(out)
                pair = packed[place] << 8 | packed[place + 1]
                place += 2
                offset, length = pair >> 4, (pair & 0xF) + 2
                if offset == write:
                    return bytes(out)
                for step in range(length):
                    byte = ring[(offset + step) % _SIZE]
                    out.append(byte)
                    ring[write] = byte
                    write = (write + 1) % _SIZE
            elif place < len(packed):
                out.append(packed[place])
                ring[write] = packed[place]
                write = (write + 1) % _SIZE
                place += 1
    return bytes(out)
