"""Product pictures, drawn in code: one template per kind, variant and pattern, recoloured by swapping the palette."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from data.generator import names
from data.generator.world import World

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIZE = 320
SCALE = 2
VARIANTS = 2
PATTERNS = ("plain", "stripe", "peaks")
BACK, BODY, TRIM, DARK = (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)
"""Stand-in colours of a template: the background and three that each product replaces by its own."""
Colour = tuple[int, int, int]


def write(world: World, out: Path) -> None:
    """Write one PNG a product under `out`/pictures (paths are the products' `picture` column)."""
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    templates: dict[tuple[str, int, str], _Template] = {}
    used: set[tuple[object, Colour, Colour]] = set()
    colours = tuple(names.COLOURS.values())
    for at, product in enumerate(world.tables["products"]):
        key = (_kind(product["name"], product["category"]), at % VARIANTS, PATTERNS[at // VARIANTS % len(PATTERNS)])
        if key not in templates:
            templates[key] = _Template(*key)
        body = _rgb(names.COLOURS[product["colour"]])
        first = zlib.crc32(product["product_id"].encode())
        others = [_rgb(colours[(first + n) % len(colours)]) for n in range(len(colours))]
        trim = next(c for c in others if c != body and (key, body, c) not in used)  # no two products look the same
        used.add((key, body, trim))
        (out / product["picture"]).write_bytes(templates[key].png(body, trim))


def _kind(name: str, category: str) -> str:
    for word, kind in (
        ("Shorts", "shorts"),
        ("Leggings", "Trousers"),
        ("Stove", "stove"),
        ("Mug", "mug"),
        ("Press", "mug"),
        ("Helmet", "helmet"),
        ("Carabiner", "carabiner"),
        ("Lantern", "lantern"),
        ("Shoes", "shoes"),
    ):
        if word in name:
            return kind
    return category


def _rgb(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with `share` of `b` in it."""
    x, y, z = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return x, y, z


class _Template:
    """A drawing whose pixels are palette entries, each a mixture of background, body, trim and dark."""

    def __init__(self, kind: str, variant: int, pattern: str) -> None:
        from PIL import Image, ImageDraw

        big = Image.new("RGB", (SIZE * SCALE, SIZE * SCALE), BACK)
        draw = ImageDraw.Draw(big)
        DRAWINGS[kind](_Pen(draw), variant, pattern)
        small = big.resize((SIZE, SIZE), Image.Resampling.BOX).quantize(48, dither=Image.Dither.NONE)
        entries = small.getpalette() or []
        self._weights = [self._weight((r, g, b)) for r, g, b in zip(*[iter(entries)] * 3, strict=False)]
        rows = small.tobytes()
        raw = b"".join(b"\0" + rows[y * SIZE : (y + 1) * SIZE] for y in range(SIZE))
        self._pixels = zlib.compress(raw, 6)

    @staticmethod
    def _weight(entry: Colour) -> tuple[float, float, float, float]:
        low = min(entry) / 255
        body, trim, dark = (c / 255 - low for c in entry)
        return low, body, trim, dark

    def png(self, body: Colour, trim: Colour) -> bytes:
        """The picture in a product's colours, as PNG."""
        back, dark = _mix(body, (250, 248, 243), 0.88), _mix(body, (20, 20, 24), 0.72)
        palette = bytearray()
        for weights in self._weights:
            total = sum(weights) or 1.0
            for channel in range(3):
                value = sum(w * c[channel] for w, c in zip(weights, (back, body, trim, dark), strict=True)) / total
                palette.append(round(value))
        header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 3, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"PLTE", bytes(palette)), (b"IDAT", self._pixels), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
            for tag, data in chunks
        )


class _Pen:
    """Draws in a 100 x 100 field, whatever the resolution."""

    def __init__(self, draw: ImageDraw) -> None:
        self._draw = draw
        self._unit = SIZE * SCALE / 100

    def _scaled(self, points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
        return [(x * self._unit, y * self._unit) for x, y in points]

    def shape(self, colour: Colour, *points: tuple[float, float]) -> None:
        """A filled polygon."""
        self._draw.polygon(self._scaled(points), fill=colour)

    def mirrored(self, colour: Colour, *points: tuple[float, float]) -> None:
        """A filled polygon given by its left half, mirrored at the middle."""
        self.shape(colour, *points, *((100 - x, y) for x, y in reversed(points)))

    def oval(self, colour: Colour, x0: float, y0: float, x1: float, y1: float) -> None:
        """A filled ellipse."""
        self._draw.ellipse([v * self._unit for v in (x0, y0, x1, y1)], fill=colour)

    def box(self, colour: Colour, x0: float, y0: float, x1: float, y1: float, radius: float = 3) -> None:
        """A filled rectangle with round corners."""
        self._draw.rounded_rectangle([v * self._unit for v in (x0, y0, x1, y1)], radius * self._unit, fill=colour)

    def line(self, colour: Colour, width: float, *points: tuple[float, float]) -> None:
        """A stroke of some width."""
        self._draw.line(self._scaled(points), fill=colour, width=round(width * self._unit), joint="curve")

    def ring(self, colour: Colour, width: float, x0: float, y0: float, x1: float, y1: float) -> None:
        """An ellipse's outline."""
        self._draw.ellipse([v * self._unit for v in (x0, y0, x1, y1)], outline=colour, width=round(width * self._unit))

    def motif(self, pattern: str, x0: float, x1: float, y: float) -> None:
        """The pattern that tells products of one kind apart: nothing, a stripe, or a row of peaks."""
        if pattern == "stripe":
            self.shape(TRIM, (x0, y), (x1, y), (x1, y + 5), (x0, y + 5))
        elif pattern == "peaks":
            step = (x1 - x0) / 3
            for n in range(3):
                left = x0 + n * step
                self.shape(TRIM, (left, y + 6), (left + step / 2, y - 4), (left + step, y + 6))


def _jacket(pen: _Pen, variant: int, pattern: str) -> None:
    pen.shape(DARK, (27, 28), (12, 66), (20, 69), (34, 40))
    pen.shape(DARK, (73, 28), (88, 66), (80, 69), (66, 40))
    pen.mirrored(BODY, (50, 22), (38, 20), (26, 28), (28, 82))
    pen.shape(BODY, (27, 28), (12, 64), (21, 67), (32, 42))
    pen.shape(BODY, (73, 28), (88, 64), (79, 67), (68, 42))
    pen.motif(pattern, 29, 71, 44)
    pen.line(DARK, 1.4, (50, 24), (50, 82))
    if variant:
        pen.mirrored(TRIM, (50, 10), (40, 12), (37, 22), (44, 25))
        pen.oval(DARK, 43, 13, 57, 25)
    else:
        pen.mirrored(TRIM, (50, 17), (41, 16), (38, 22), (50, 28))
    pen.shape(DARK, (33, 64), (43, 60), (43, 62), (33, 66))
    pen.shape(DARK, (67, 64), (57, 60), (57, 62), (67, 66))


def _shirt(pen: _Pen, variant: int, pattern: str) -> None:
    sleeve = 62 if variant else 44
    pen.mirrored(BODY, (50, 27), (40, 20), (28, 25), (14, sleeve), (23, sleeve + 5), (31, 42), (31, 82))
    pen.motif(pattern, 31, 69, 48)
    pen.line(TRIM, 2, (40, 21), (50, 28), (60, 21))
    pen.line(DARK, 1, (31, 79), (69, 79))


def _trousers(pen: _Pen, variant: int, pattern: str) -> None:
    pen.mirrored(BODY, (50, 38), (46, 90), (32, 90), (33, 14), (50, 14))
    pen.box(DARK, 33, 13, 67, 19, 1)
    pen.box(TRIM, 47, 14, 53, 18, 1)
    pen.motif(pattern, 33.5, 47, 58)
    pen.line(DARK, 1, (50, 19), (50, 40))
    if variant:
        pen.box(TRIM, 34, 44, 44, 54, 1)


def _shorts(pen: _Pen, variant: int, pattern: str) -> None:
    pen.mirrored(BODY, (50, 46), (47, 68), (24, 66), (31, 26), (50, 26))
    pen.box(DARK, 31, 24, 69, 31, 1)
    pen.motif(pattern, 29, 46, 56)
    pen.line(TRIM, 1.6, (46, 31), (45, 40) if variant else (46, 36))


def _boot(pen: _Pen, variant: int, pattern: str) -> None:
    top = 20 if variant else 28
    pen.shape(BODY, (30, top), (54, top), (56, 48), (78, 58), (84, 70), (28, 70))
    pen.shape(DARK, (26, 70), (86, 70), (86, 78), (70, 78), (66, 75), (44, 75), (42, 78), (26, 78))
    pen.shape(TRIM, (30, top), (54, top), (54, top + 6), (30, top + 6))
    pen.motif(pattern, 31, 50, 58)
    for n in range(4):
        pen.line(DARK, 1.4, (50 + n * 1.5, 38 + n * 4.5), (60 + n * 3, 36 + n * 5))


def _shoes(pen: _Pen, variant: int, pattern: str) -> None:
    pen.shape(BODY, (20, 46), (36, 42), (50, 52), (78, 60), (84, 68), (20, 68))
    pen.shape(DARK, (18, 68), (86, 68), (84, 75), (20, 75))
    pen.line(TRIM, 2, (20, 67), (85, 67))
    pen.motif(pattern, 22, 42, 58)
    for n in range(3 + variant):
        pen.line(DARK, 1.4, (42 + n * 6, 50 + n * 2.4), (48 + n * 6, 46 + n * 2.6))


def _pack(pen: _Pen, variant: int, pattern: str) -> None:
    pen.line(DARK, 3, (32, 30), (24, 50), (30, 78))
    pen.line(DARK, 3, (68, 30), (76, 50), (70, 78))
    pen.box(BODY, 30, 22, 70, 86, 9)
    pen.box(TRIM, 31, 16, 69, 34, 7)
    pen.box(DARK, 37, 56, 63, 80, 4)
    pen.box(BODY, 39, 58, 61, 78, 3)
    pen.motif(pattern, 33, 67, 44)
    pen.ring(DARK, 1.6, 45, 8, 55, 18)
    if variant:
        pen.box(TRIM, 22, 78, 78, 92, 6)


def _tent(pen: _Pen, variant: int, pattern: str) -> None:
    peak = 20 if variant else 28
    pen.shape(DARK, (62, peak + 3), (94, 78), (60, 80))
    pen.shape(BODY, (42, peak), (63, peak + 2), (76, 80), (8, 80))
    pen.motif(pattern, 24, 60, 58)
    pen.shape(DARK, (42, peak + 14), (52, 80), (32, 80))
    pen.shape(TRIM, (42, peak + 14), (32, 80), (28, 80))
    pen.line(DARK, 0.8, (8, 80), (2, 85))
    pen.line(DARK, 0.8, (94, 78), (98, 83))


def _bag(pen: _Pen, variant: int, pattern: str) -> None:
    pen.shape(BODY, (32, 30), (68, 30), (72, 52), (60, 92), (40, 92), (28, 52))
    pen.oval(BODY, 30, 8, 70, 46)
    pen.oval(DARK, 38, 14, 62, 36)
    pen.oval(TRIM, 41, 19, 59, 36)
    for y in range(48, 90, 9 if variant else 13):
        pen.line(DARK, 0.8, (31 + (y - 48) * 0.2, y), (69 - (y - 48) * 0.2, y))
    pen.motif(pattern, 34, 66, 54)


def _pot(pen: _Pen, variant: int, pattern: str) -> None:
    pen.box(BODY, 24, 42, 70, 78, 5)
    pen.box(DARK, 22, 38, 72, 44, 2)
    pen.box(TRIM, 43, 32, 51, 39, 2)
    pen.line(DARK, 4, (70, 54), (92, 50 if variant else 58))
    pen.motif(pattern, 25, 69, 58)


def _stove(pen: _Pen, variant: int, pattern: str) -> None:
    pen.box(BODY, 32, 56, 68, 86, 7)
    pen.box(DARK, 44, 42, 56, 57, 2)
    pen.line(DARK, 3, (28, 34), (40, 42), (60, 42), (72, 34))
    for x in (42, 50, 58):
        pen.shape(TRIM, (x - 3.4, 40), (x, 22 if variant else 28), (x + 3.4, 40))
    pen.motif(pattern, 32, 68, 68)


def _harness(pen: _Pen, variant: int, pattern: str) -> None:
    pen.ring(BODY, 7, 22, 18, 78, 48)
    pen.ring(BODY, 6, 20, 52, 48, 86)
    pen.ring(BODY, 6, 52, 52, 80, 86)
    pen.line(TRIM, 4, (50, 46), (36, 56))
    pen.line(TRIM, 4, (50, 46), (64, 56))
    pen.ring(DARK, 2.5, 45, 44, 55, 58 if variant else 54)
    pen.motif(pattern, 38, 62, 40)


def _helmet(pen: _Pen, variant: int, pattern: str) -> None:
    pen.oval(BODY, 18, 22, 82, 94)
    pen.shape(BACK, (10, 62), (92, 62), (92, 98), (10, 98))
    pen.box(DARK, 14, 58, 86, 64, 3)
    for x in (36, 50, 64):
        pen.box(DARK, x - 3, 34, x + 3, 48 if variant else 44, 3)
    pen.motif(pattern, 22, 78, 52)
    pen.line(TRIM, 2, (26, 63), (46, 86), (70, 63))


def _carabiner(pen: _Pen, variant: int, pattern: str) -> None:
    pen.ring(BODY, 6, 20, 14, 52, 70)
    pen.ring(TRIM, 6, 48, 30, 80, 88)
    pen.line(DARK, 4, (50, 30), (50, 54))
    pen.line(DARK, 4, (78, 46), (78, 70 if variant else 64))
    pen.motif(pattern, 26, 46, 20)


def _headlamp(pen: _Pen, variant: int, pattern: str) -> None:
    pen.ring(BODY, 8, 14, 26, 86, 74)
    pen.motif(pattern, 20, 40, 66)
    pen.box(DARK, 34, 54, 66, 84, 7)
    pen.oval(TRIM, 40, 58, 60, 79)
    if variant:
        pen.line(BODY, 7, (50, 56), (50, 28))


def _lantern(pen: _Pen, variant: int, pattern: str) -> None:
    pen.ring(DARK, 2, 36, 8, 64, 40)
    pen.box(BODY, 34, 26, 66, 36, 3)
    pen.box(TRIM, 37, 36, 63, 66, 3 if variant else 10)
    pen.box(BODY, 32, 66, 68, 86, 5)
    pen.line(DARK, 1.4, (50, 38), (50, 64))
    pen.motif(pattern, 33, 67, 74)


def _bottle(pen: _Pen, variant: int, pattern: str) -> None:
    pen.box(DARK, 42, 8, 58, 22, 3)
    pen.box(BODY, 34 if variant else 37, 22, 66 if variant else 63, 90, 9)
    pen.box(TRIM, 38, 18, 62, 24, 2)
    pen.motif(pattern, 37, 63, 54)


def _mug(pen: _Pen, variant: int, pattern: str) -> None:
    pen.ring(DARK, 5, 58, 40, 88, 70)
    pen.box(BODY, 24, 32, 70, 80, 7)
    pen.oval(TRIM, 24, 27, 70, 39)
    pen.oval(DARK, 27, 29, 67, 37)
    pen.motif(pattern, 25, 69, 58)
    if variant:
        for x in (38, 48, 58):
            pen.line(TRIM, 1.6, (x, 24), (x - 3, 18), (x, 12))


def _poles(pen: _Pen, variant: int, pattern: str) -> None:
    for x0, x1 in ((30, 52), (70, 44 if variant else 48)):
        pen.line(BODY, 2.6, (x0, 26), (x1, 92))
        pen.line(DARK, 5, (x0, 10), ((x0 * 4 + x1) / 5, 25))
        pen.line(TRIM, 3.4, ((x0 + x1) / 2, 57), ((x0 * 0.44 + x1 * 0.56), 61))
        pen.oval(DARK, x1 - 5, 82, x1 + 4, 86)
    pen.motif(pattern, 30, 70, 40)


DRAWINGS: dict[str, Callable[[_Pen, int, str], None]] = {
    "Jackets": _jacket,
    "Trousers": _trousers,
    "shorts": _shorts,
    "Base Layers": _shirt,
    "Footwear": _boot,
    "shoes": _shoes,
    "Backpacks": _pack,
    "Tents": _tent,
    "Sleeping Bags": _bag,
    "Cookware": _pot,
    "stove": _stove,
    "Climbing": _harness,
    "helmet": _helmet,
    "carabiner": _carabiner,
    "Lighting": _headlamp,
    "lantern": _lantern,
    "Bottles & Mugs": _bottle,
    "mug": _mug,
    "Trekking Poles": _poles,
}
