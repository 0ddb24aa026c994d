"""Lifestyle pictures: composed by default, by an image model where one is set, never late and never silent about it."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from PIL import Image, ImageDraw

from api.drafts.studio import LocalStudio, ModelStudio
from api.settings import ModelSettings
from api.wiring import studio_of
from index.errors import ProviderError, SettingsError
from query.models.image_like import ImageLike
from query.parts import WantedPicture

Act = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, dict[str, Any]]]
    act: Act

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, body))
        type(self).act(self)

    def send(self, raw: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def model(act: Act, timeout_s: float = 5.0, **settings: Any) -> Iterator[tuple[ModelSettings, list[Any]]]:
    kind = type("Image", (Handler,), {"asked": [], "act": act})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        chosen = ModelSettings(provider="openai-like", base_url=url, model="painter", timeout_s=timeout_s, **settings)
        yield chosen, kind.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


def png(colour: str = "purple") -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(held, "PNG")
    return held.getvalue()


def paints(handler: Handler) -> None:
    handler.send(json.dumps({"data": [{"b64_json": base64.b64encode(png()).decode()}]}).encode())


def wanted(home: Path, count: int = 1, title: str = "Cirrus Tent") -> list[WantedPicture]:
    picture = Image.new("RGB", (120, 120), (238, 238, 236))
    ImageDraw.Draw(picture).rectangle((40, 30, 80, 110), fill=(200, 40, 40))
    picture.save(home / "product.png")
    return [WantedPicture(str(home / "product.png"), f"SKU-{n}", title, "winter") for n in range(count)]


def test_without_a_model_pictures_are_composed_and_nothing_leaves(tmp_path: Path) -> None:
    studio = studio_of(LocalStudio(tmp_path, {}), ModelSettings())
    [made] = studio.lifestyle(wanted(tmp_path))
    assert made.composed and made.egress == () and made.notice == ""
    with Image.open(made.path) as picture:
        assert "composed" in picture.info["Description"]
    assert Path(made.path).name == "lifestyle-SKU-0-winter.png"


def test_a_model_gets_the_products_name_and_the_season_and_nothing_else(tmp_path: Path) -> None:
    with model(paints) as (chosen, asked):
        studio = studio_of(LocalStudio(tmp_path, {}), chosen)
        [made] = studio.lifestyle(wanted(tmp_path, title="Tent of ann@example.com"))
        [again] = studio.lifestyle(wanted(tmp_path))
    [(path, body)] = asked  # what was made is kept
    assert path == "/v1/images/generations" and body["model"] == "painter" and body["response_format"] == "b64_json"
    assert "winter" in body["prompt"] and "Tent of" in body["prompt"] and "ann@example.com" not in body["prompt"]
    [egress] = made.egress
    assert (egress.model, egress.fields, egress.characters, egress.masked) == (
        "painter", ("product name", "season"), len(body["prompt"]), 1,
    )  # fmt: skip
    assert not made.composed and again.egress == () and again.path == made.path
    with Image.open(made.path) as picture:
        assert "image model painter" in picture.info["Description"]


def hangs(handler: Handler) -> None:
    time.sleep(3)


def links(handler: Handler) -> None:
    handler.send(b'{"data": [{"url": "http://evil.example/a.png"}]}')


def lies(handler: Handler) -> None:
    handler.send(json.dumps({"data": [{"b64_json": base64.b64encode(b"<svg/>").decode()}]}).encode())


def redirects(handler: Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://evil.example/")
    handler.end_headers()


def drips(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(30):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


FAULTS: dict[str, Act] = {
    "hangs": hangs, "links": links, "lies": lies, "redirects": redirects, "drips": drips,
    "fails": lambda handler: handler.send(b"{}", 500), "garbage": lambda handler: handler.send(b"\x00{"),
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[WantedPicture]]:
    """A home whose composed pictures are drawn already, so that only the model takes time."""
    home = tmp_path_factory.mktemp("drawn")
    asked_for = wanted(home, 5)
    [first] = LocalStudio(home, {}).lifestyle(asked_for[:1])
    for one in asked_for[1:]:
        LocalStudio(home, {}).place(one, "lifestyle").write_bytes(Path(first.path).read_bytes())
    return home, asked_for


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_that_fails_is_stood_in_for_in_time_with_a_notice(
    drawn: tuple[Path, list[WantedPicture]], fault: str
) -> None:
    home, asked_for = drawn

    def act(handler: Handler) -> None:
        try:
            FAULTS[fault](handler)
        except OSError:
            return  # we hung up

    with model(act, timeout_s=0.6) as (chosen, _):
        begun = time.monotonic()
        made = studio_of(LocalStudio(home, {}), chosen).lifestyle(asked_for)
        assert time.monotonic() - begun < 2.5
    assert all(one.composed and "could not be used" in one.notice for one in made)
    assert any(one.egress for one in made)  # it left, whatever came back
    assert not list((home / "pictures").glob("model-*"))


def test_a_model_that_is_not_there_is_an_error_of_the_provider_and_settings_must_name_it(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="cannot be reached"):
        ImageLike("http://127.0.0.1:9/v1", "painter").picture("x", within_s=2)
    with pytest.raises(SettingsError, match="needs `base_url`"):
        studio_of(LocalStudio(tmp_path, {}), ModelSettings(provider="openai-like", model="m"))
    assert isinstance(
        studio_of(LocalStudio(tmp_path, {}), ModelSettings(provider="openai-like", base_url="http://x", model="m")),
        ModelStudio,
    )
