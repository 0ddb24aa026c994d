from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from index.errors import SourceError
from query.images import PALETTES, SIZE, cut_out, lifestyle_image, season_of


@pytest.fixture
def product(tmp_path: Path) -> Path:
    picture = Image.new("RGB", (320, 320), (238, 238, 236))
    ImageDraw.Draw(picture).rectangle((90, 60, 230, 290), fill=(200, 40, 40))
    path = tmp_path / "product.png"
    picture.save(path)
    return path


def test_a_product_is_set_into_a_scene_that_says_it_is_composed(product: Path, tmp_path: Path) -> None:
    made = lifestyle_image(product, "SKU-1", tmp_path / "deep" / "scene.png")
    with Image.open(made) as picture:
        assert picture.size == SIZE and "composed" in picture.info["Description"]
        middle = picture.convert("RGB").getpixel((SIZE[0] // 2, int(SIZE[1] * 0.75)))
        assert isinstance(middle, tuple) and middle[0] > 150 and middle[1] < 90  # the product is in front
        top = picture.convert("RGB").getpixel((SIZE[0] // 2, 4))
        assert isinstance(top, tuple) and top[2] > top[0]  # under a blue sky


def test_the_same_product_gives_the_same_picture_and_another_scene_another(product: Path, tmp_path: Path) -> None:
    one = lifestyle_image(product, "SKU-1", tmp_path / "a.png").read_bytes()
    assert lifestyle_image(product, "SKU-1", tmp_path / "b.png").read_bytes() == one
    assert lifestyle_image(product, "SKU-2", tmp_path / "c.png").read_bytes() != one


def test_each_season_has_its_scene(product: Path, tmp_path: Path) -> None:
    def ground(season: str) -> tuple[int, ...]:
        with Image.open(lifestyle_image(product, "SKU-1", tmp_path / f"{season}.png", season=season)) as picture:
            small = picture.convert("RGB").crop((0, 560, 200, 630)).resize((1, 1)).getpixel((0, 0))
            assert isinstance(small, tuple)
            return small

    red, green, blue = ground("winter")
    assert min(red, green, blue) > 170  # snow
    red, green, blue = ground("summer")
    assert green > red and green > blue
    red, green, blue = ground("autumn")
    assert red > green > blue


@pytest.mark.parametrize(
    ("text", "season"),
    [("our new summer collection", "summer"), ("the Winter range", "winter"), ("fall jackets", "autumn"),
     ("everything new", "summer"), ("a falling rope", "summer")],
)  # fmt: skip
def test_the_season_is_the_one_that_the_question_names(text: str, season: str) -> None:
    assert season_of(text) == season and season in PALETTES


def test_the_plain_background_is_cut_away_and_other_pictures_stay_whole(product: Path) -> None:
    with Image.open(product) as picture:
        cut = cut_out(picture.convert("RGBA"))
    assert abs(cut.width - 141) <= 4 and abs(cut.height - 231) <= 4
    busy = Image.effect_noise((64, 64), 120).convert("RGBA")
    assert cut_out(busy).size == (64, 64)


def test_a_file_that_is_no_picture_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("no picture")
    for name in ("x.png", "missing.png"):
        with pytest.raises(SourceError, match=name):
            lifestyle_image(tmp_path / name, "s", tmp_path / "out.png")
