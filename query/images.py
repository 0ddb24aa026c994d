"""Lifestyle pictures: a product's picture set into a drawn outdoor scene. No model, no network, the same every time.

The picture says what it is: a composition (`composed` in its PNG text), not a photograph. An image model can take its
place (`query.parts.Studio`).
"""

from __future__ import annotations

import hashlib
import math
import random
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import SourceError

if TYPE_CHECKING:
    from PIL.Image import Image

SIZE = (960, 640)
_ALIKE = 48  # summed difference of colour channels that still counts as background
_SCALE = 2  # drawn larger and reduced, for smooth edges
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """The colours of one hour of a summer's day: sky from top to horizon, sun, ranges far to near, water, meadow."""

    sky: tuple[Colour, Colour]
    sun: Colour
    ranges: tuple[Colour, Colour, Colour]
    water: Colour
    meadow: tuple[Colour, Colour]
    flowers: tuple[Colour, ...] = ((255, 255, 255), (250, 214, 84), (226, 120, 150), (146, 116, 206))
    snow: bool = False


_SUMMER = (
    Palette(((86, 156, 214), (222, 238, 246)), (255, 244, 200), ((156, 181, 205), (108, 142, 168), (70, 108, 118)),
            (108, 168, 196), ((146, 186, 92), (84, 136, 66))),
    Palette(((92, 124, 190), (255, 214, 170)), (255, 226, 160), ((176, 160, 190), (128, 116, 158), (82, 88, 122)),
            (150, 156, 190), ((168, 168, 84), (102, 118, 62))),
    Palette(((110, 180, 226), (250, 240, 214)), (255, 250, 224), ((170, 196, 196), (120, 160, 150), (76, 122, 100)),
            (124, 188, 196), ((170, 200, 96), (96, 150, 72))),
)  # fmt: skip
_SPRING = (
    Palette(((120, 186, 232), (236, 244, 248)), (255, 248, 214), ((170, 192, 212), (132, 166, 168), (98, 142, 112)),
            (128, 190, 206), ((176, 208, 112), (110, 164, 78)),
            ((255, 255, 255), (252, 232, 120), (244, 176, 204), (186, 160, 230))),
)  # fmt: skip
_AUTUMN = (
    Palette(((104, 140, 184), (250, 222, 184)), (255, 226, 168), ((176, 168, 182), (150, 122, 112), (122, 92, 62)),
            (134, 150, 160), ((196, 162, 84), (128, 98, 54)), ((198, 92, 42), (226, 150, 52), (150, 60, 40))),
)  # fmt: skip
_WINTER = (
    Palette(((108, 150, 200), (228, 236, 244)), (255, 246, 226), ((178, 192, 212), (142, 160, 186), (104, 124, 146)),
            (150, 178, 200), ((246, 249, 252), (206, 220, 234)), (), snow=True),
    Palette(((84, 104, 160), (248, 214, 206)), (255, 228, 208), ((170, 166, 196), (128, 128, 168), (88, 96, 132)),
            (150, 158, 190), ((242, 240, 248), (198, 200, 224)), (), snow=True),
)  # fmt: skip
PALETTES = {"summer": _SUMMER, "spring": _SPRING, "autumn": _AUTUMN, "winter": _WINTER}
_SEASONS = {
    **dict.fromkeys(("summer", "sommer", "été"), "summer"), **dict.fromkeys(("spring", "frühling"), "spring"),
    **dict.fromkeys(("autumn", "fall", "herbst"), "autumn"), **dict.fromkeys(("winter", "ski"), "winter"),
}  # fmt: skip
_SEASON = re.compile(rf"\b(?:{'|'.join(_SEASONS)})\b", re.IGNORECASE)
CAPTION = "composed picture"


def season_of(text: str) -> str:
    """The season that a text names, else summer."""
    found = _SEASON.search(text)
    return _SEASONS[found.group().lower()] if found else "summer"


def lifestyle_image(product_image: Path, scene: str, out: Path, *, season: str = "summer") -> Path:
    """Set the product picture into a scene of mountains, a lake and a meadow in `season`, and write it to `out` as PNG.

    `scene` (a product's key) varies light and land; the same arguments give the same picture, which says on itself
    that it is composed. Raises `SourceError` for a product picture that cannot be read.
    """
    from PIL.PngImagePlugin import PngInfo

    product = cut_out(_open(product_image))
    seed = int.from_bytes(hashlib.sha256(scene.encode()).digest()[:8], "big")
    rng = random.Random(seed)
    choices = PALETTES[season if season in PALETTES else "summer"]
    palette = choices[rng.randrange(len(choices))]
    canvas = _scene(rng, palette)
    _place(canvas, product, palette)
    if palette.snow:
        _snowfall(canvas, rng)
    finished = canvas.convert("RGB").reduce(_SCALE)
    _caption(finished)
    note = PngInfo()
    note.add_text("Description", "composed: a product picture set into a drawn scene")
    out.parent.mkdir(parents=True, exist_ok=True)
    finished.save(out, "PNG", pnginfo=note, compress_level=3)
    return out


def _open(path: Path) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return picture.convert("RGBA")
    except (OSError, UnidentifiedImageError) as error:
        raise SourceError(
            f"the product picture {path} cannot be read", hint="is the file there, and a picture?"
        ) from error


def cut_out(picture: Image) -> Image:
    """The product without its plain background: what is connected to the corners in their colour becomes clear."""
    import numpy as np
    from PIL import Image, ImageFilter
    from scipy import ndimage

    if any(picture.getchannel("A").histogram()[:250]):  # it has a clear background already
        return picture.crop(picture.getbbox() or (0, 0, *picture.size))
    width, height = picture.size
    pixels = np.asarray(picture.convert("RGB"), dtype=np.int16)
    apart = np.ones((height, width), dtype=bool)
    for row, column in ((0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)):
        alike = np.abs(pixels - pixels[row, column]).sum(axis=2) <= _ALIKE
        parts, _ = ndimage.label(alike)
        apart &= parts != parts[row, column]
    inside = Image.fromarray(apart.astype(np.uint8) * 255)
    share = float(apart.mean())
    if not 0.02 < share < 0.98:  # a picture without a plain background stays as it is
        return picture
    cut = picture.copy()
    cut.putalpha(inside.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.8)))
    return cut.crop(cut.getchannel("A").getbbox() or (0, 0, width, height))


# --- the scene ----------------------------------------------------------------------------------------------------


def _scene(rng: random.Random, palette: Palette) -> Image:
    width, height = (side * _SCALE for side in SIZE)
    horizon = int(height * rng.uniform(0.50, 0.56))
    canvas = _sky(rng, palette, horizon // (4 * _SCALE)).resize((width, height), resample=3)
    for depth, colour in enumerate(palette.ranges):
        _mountains(canvas, rng, colour, horizon, (0.36, 0.24, 0.12)[depth] * height, snow=depth < 2)
    shore = int(horizon + height * 0.15)
    _lake(canvas, rng, palette, horizon, shore)
    _trees(canvas, rng, palette.ranges[2], shore)
    _meadow(canvas, rng, palette, shore)
    return canvas


def _sky(rng: random.Random, palette: Palette, horizon: int) -> Image:
    """Sky, sun and clouds at a quarter of the final size: all of it is soft, and a small canvas blurs fast."""
    width, height = (side // 4 for side in SIZE)
    canvas = _gradient(width, height, palette.sky[0], palette.sky[1], horizon)
    sun = (int(width * rng.uniform(0.12, 0.85)), int(height * rng.uniform(0.08, 0.20)))
    _glow(canvas, sun, height * 0.05, palette.sun)
    _clouds(canvas, rng, horizon)
    return canvas


def _gradient(width: int, height: int, top: Colour, bottom: Colour, end: int) -> Image:
    """A canvas that runs from `top` to `bottom`, which it reaches at row `end`."""
    from PIL import Image

    column = Image.new("RGBA", (1, height))
    for row in range(height):
        column.putpixel((0, row), (*_mix(top, bottom, min(1.0, row / max(1, end))), 255))
    return column.resize((width, height), resample=0)  # a pixel wide: nothing to smooth


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _glow(canvas: Image, centre: tuple[int, int], radius: float, colour: Colour) -> None:
    from PIL import Image, ImageDraw, ImageFilter

    for spread, strength, blur in ((6.0, 70, 2.0), (2.4, 120, 0.6), (1.0, 255, 0.03)):
        layer = Image.new("RGBA", canvas.size, (*colour, 0))
        reach = radius * spread
        box = (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach)
        ImageDraw.Draw(layer).ellipse(box, fill=(*colour, strength))
        canvas.alpha_composite(layer.filter(ImageFilter.BoxBlur(radius * blur)))


def _clouds(canvas: Image, rng: random.Random, horizon: int) -> None:
    from PIL import Image, ImageDraw, ImageFilter

    layer = Image.new("RGBA", canvas.size, (255, 255, 255, 0))
    draw = ImageDraw.Draw(layer)
    for _ in range(rng.randint(3, 5)):
        x, y = rng.uniform(0, canvas.width), rng.uniform(0.08, 0.45) * horizon
        for puff in range(rng.randint(5, 8)):
            across, up = rng.uniform(9, 18), rng.uniform(3, 5.5)
            centre = x + (puff - 3) * 9, y + rng.uniform(-3, 3)
            box = (centre[0] - across, centre[1] - up, centre[0] + across, centre[1] + up)
            draw.ellipse(box, fill=(255, 255, 255, 110))
    canvas.alpha_composite(layer.filter(ImageFilter.GaussianBlur(2.6)))


def _ridge(rng: random.Random, width: int, base: float, rise: float) -> list[tuple[float, float]]:
    """A mountain line over `width`, by halving segments: points left to right, lower rows are higher up."""
    points = [(0.0, base - rise * rng.uniform(0.2, 0.8)), (float(width), base - rise * rng.uniform(0.2, 0.8))]
    rough = rise * 0.85
    for _ in range(8):
        halved = [points[0]]
        for left, right in pairwise(points):
            middle = (left[0] + right[0]) / 2, (left[1] + right[1]) / 2 + rng.uniform(-rough, rough)
            halved += [(middle[0], min(base - 4, max(base - 1.25 * rise, middle[1]))), right]
        points, rough = halved, rough * 0.55
    return points


def _mountains(canvas: Image, rng: random.Random, colour: Colour, horizon: int, rise: float, *, snow: bool) -> None:
    from PIL import Image, ImageDraw, ImageFilter

    width = canvas.width
    line = _ridge(rng, width, horizon, rise)
    mask = Image.new("L", canvas.size, 0)
    ImageDraw.Draw(mask).polygon([*line, (width, horizon + 6), (0, horizon + 6)], fill=255)
    top = int(min(y for _, y in line))
    shade = Image.new("RGBA", canvas.size, (*colour, 255))
    haze = _gradient(width, canvas.height, colour, _mix(colour, (238, 242, 246), 0.5), horizon)
    shade.paste(haze, (0, 0))
    if snow:
        cap = Image.new("L", canvas.size, 0)
        limit = top + rise * 0.42
        lower = [(x, max(y, min(limit, y + rise * 0.24) + rng.uniform(-11, 11) * _SCALE)) for x, y in line]
        ImageDraw.Draw(cap).polygon([*line, *reversed(lower)], fill=175)
        shade.paste((246, 249, 252, 255), (0, 0), cap.filter(ImageFilter.GaussianBlur(1.5 * _SCALE)))
    canvas.paste(shade, (0, 0), mask)  # edges get smooth when the canvas is reduced


def _lake(canvas: Image, rng: random.Random, palette: Palette, horizon: int, shore: int) -> None:
    from PIL import Image, ImageDraw, ImageFilter, ImageOps

    depth = shore - horizon + 30 * _SCALE
    mirrored = ImageOps.flip(canvas.crop((0, horizon - depth, canvas.width, horizon))).filter(
        ImageFilter.GaussianBlur(3 * _SCALE)
    )
    water = Image.blend(mirrored.convert("RGB"), Image.new("RGB", mirrored.size, palette.water), 0.45)
    draw = ImageDraw.Draw(water, "RGBA")
    for _ in range(120):
        x, y = rng.uniform(0, water.width), rng.uniform(0, water.height)
        length = rng.uniform(20, 130) * _SCALE * (0.3 + y / water.height)
        draw.line((x, y, x + length, y), fill=(255, 255, 255, rng.randint(20, 70)), width=_SCALE)
    canvas.paste(water, (0, horizon))


def _trees(canvas: Image, rng: random.Random, colour: Colour, shore: int) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(canvas)
    dark = _mix(colour, (20, 44, 36), 0.5)
    sides = [(0.0, 0.24), (0.78, 1.0)]
    for start, end in sides:
        for _ in range(rng.randint(11, 16)):
            share = rng.random()
            x = (start + (end - start) * share) * canvas.width
            edge = 1 - share if start == 0.0 else share
            tall = (50 + 105 * edge * rng.uniform(0.7, 1.1)) * _SCALE
            foot = shore + rng.uniform(-4, 20) * _SCALE
            _fir(draw, x, foot, tall, _mix(dark, colour, rng.uniform(0, 0.45)))


def _fir(draw: object, x: float, foot: float, tall: float, colour: Colour) -> None:
    for step in range(5):
        high, low = foot - tall * (1 - step * 0.17), foot - tall * (0.66 - step * 0.165)
        half = tall * (0.07 + step * 0.035)
        draw.polygon([(x, high), (x - half, low), (x + half, low)], fill=colour)  # type: ignore[attr-defined]


def _meadow(canvas: Image, rng: random.Random, palette: Palette, shore: int) -> None:
    from PIL import Image, ImageDraw

    width, height = canvas.size
    top, bottom = palette.meadow
    mask = Image.new("L", canvas.size, 0)
    phase = rng.uniform(0, 6)
    edge = [(x, shore + 13 * _SCALE * math.sin(x / (260 * _SCALE) * 2 + phase)) for x in range(0, width + 20, 20)]
    ImageDraw.Draw(mask).polygon([*edge, (width, height), (0, height)], fill=255)
    grass = _gradient(width, height, top, bottom, height)
    canvas.paste(grass, (0, 0), mask)
    draw = ImageDraw.Draw(canvas, "RGBA")
    for _ in range(0 if palette.snow else 2600):
        x = rng.uniform(0, width)
        y = shore + 20 * _SCALE + (height - shore) * rng.random() ** 0.8
        size = _SCALE * (2 + 15 * (y - shore) / (height - shore))
        shade = _mix(top, bottom, rng.random() * 1.2) if rng.random() < 0.6 else _mix(bottom, (30, 70, 34), 0.4)
        draw.line((x, y, x + rng.uniform(-0.35, 0.35) * size, y - size), fill=(*shade, 150), width=_SCALE)
    for _ in range(150 if palette.flowers else 0):
        x, y = rng.uniform(0, width), shore + 26 * _SCALE + (height - shore) * rng.random()
        dot = _SCALE * (0.8 + 2.8 * (y - shore) / (height - shore))
        colour = rng.choice(palette.flowers)
        draw.ellipse((x - dot, y - dot, x + dot, y + dot), fill=(*colour, 225))


def _snowfall(canvas: Image, rng: random.Random) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(canvas, "RGBA")
    for _ in range(420):
        x, y, size = rng.uniform(0, canvas.width), rng.uniform(0, canvas.height), _SCALE * rng.uniform(0.8, 2.6)
        draw.ellipse((x - size, y - size, x + size, y + size), fill=(255, 255, 255, rng.randint(90, 210)))


def _caption(picture: Image) -> None:
    """What the picture is, small, in its corner."""
    from PIL import ImageDraw, ImageFont

    draw = ImageDraw.Draw(picture, "RGBA")
    font = ImageFont.load_default(13)
    left, top, right, bottom = draw.textbbox((0, 0), CAPTION, font=font)
    x, y = picture.width - (right - left) - 14, picture.height - (bottom - top) - 14
    draw.rounded_rectangle((x - 6, y - 3, picture.width - 6, picture.height - 5), 4, fill=(20, 30, 40, 110))
    draw.text((x, y - top), CAPTION, font=font, fill=(255, 255, 255, 235))


def _place(canvas: Image, product: Image, palette: Palette) -> None:
    """Set the product on the meadow with a soft shadow, tinted a little by the light."""
    from PIL import Image, ImageDraw, ImageFilter

    room = (int(canvas.width * 0.46), int(canvas.height * 0.56))
    ratio = min(room[0] / product.width, room[1] / product.height)
    sized = product.resize((max(1, int(product.width * ratio)), max(1, int(product.height * ratio))), resample=3)
    left = (canvas.width - sized.width) // 2
    top = int(canvas.height * 0.93) - sized.height
    foot = top + sized.height * 0.985
    reach, flat, middle = sized.width * 0.5, sized.height * 0.055, left + sized.width / 2
    box = (middle - reach, foot - flat, middle + reach, foot + flat)
    shadow = Image.new("RGBA", (canvas.width // 4, canvas.height // 4), (18, 34, 20, 0))  # small: blurs fast
    ImageDraw.Draw(shadow).ellipse(tuple(side / 4 for side in box), fill=(18, 34, 20, 165))
    canvas.alpha_composite(shadow.filter(ImageFilter.GaussianBlur(3.2 * _SCALE)).resize(canvas.size))
    light = Image.new("RGBA", sized.size, (*palette.sun, 255))
    light.putalpha(sized.getchannel("A").point([int(v * 0.07) for v in range(256)]))
    canvas.alpha_composite(sized, (left, top))
    canvas.alpha_composite(light, (left, top))
