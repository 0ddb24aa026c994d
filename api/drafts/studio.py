"""Pictures of a workspace: where those of the data lie, and the lifestyle pictures that are made around them.

`LocalStudio` composes: the product's picture in a drawn scene, no model, nothing leaves. `ModelStudio` asks an image
model, and composes what that does not make in time; what leaves is the product's name and the season.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import LimitError, ProviderError
from query.parts import Lifestyle, WantedPicture
from query.plan import Egress

if TYPE_CHECKING:
    from query.models.budget import EgressBudget
    from query.models.image_like import ImageLike

PAINTERS = 4  # pictures made at the same time
PROMPT = (
    "A natural lifestyle photograph for an outdoor shop: {title}, in a mountain landscape in {season}."
    " No people's faces, no text, no logos."
)


class LocalStudio:
    """Finds pictures beside the sources and composes lifestyle pictures into `<home>/pictures`."""

    def __init__(self, home: Path, sources: Mapping[str, Any]) -> None:
        self._home = home
        folders = [home / str(s["path"]) for s in sources.values() if isinstance(s, Mapping) and s.get("path")]
        folders = [folder if folder.is_dir() else folder.parent for folder in folders]
        self._folders = tuple(dict.fromkeys([*folders, *(folder.parent for folder in folders), home]))

    def find(self, path: str) -> str:
        """The file that a picture path of the data means: looked for beside the sources; as given when not there."""
        given = Path(path)
        candidates = [given] if given.is_absolute() else [folder / given for folder in self._folders]
        return next((str(c) for c in candidates if c.is_file()), path)

    def lifestyle(self, wanted: Sequence[WantedPicture]) -> list[Lifestyle]:
        """A composed picture for each, drawn once."""
        with ThreadPoolExecutor(max_workers=PAINTERS) as painters:
            return list(painters.map(self.compose, wanted))

    def compose(self, wanted: WantedPicture) -> Lifestyle:
        """One product picture in a scene of its season."""
        from query.images import lifestyle_image

        out = self.place(wanted, "lifestyle")
        if not out.is_file():
            out.parent.mkdir(parents=True, exist_ok=True)
            lifestyle_image(Path(wanted.picture), wanted.key, out, season=wanted.season)
        return Lifestyle(str(out))

    def place(self, wanted: WantedPicture, kind: str) -> Path:
        """Where a picture is kept."""
        key = "".join(c if c.isalnum() or c in "-_" else "_" for c in wanted.key)
        season = "" if wanted.season == "summer" else f"-{wanted.season}"
        return self._home / "pictures" / f"{kind}-{key}{season}.png"


class ModelStudio:
    """Asks an image model within `timeout_s` seconds for one answer; composes what it does not make."""

    def __init__(self, local: LocalStudio, model: ImageLike, timeout_s: float) -> None:
        self._local = local
        self._model = model
        self._timeout_s = timeout_s

    def lifestyle(self, wanted: Sequence[WantedPicture]) -> list[Lifestyle]:
        """A picture for each: the model's, or composed with a notice. Pictures that were made before are kept."""
        from query.models.budget import current_budget

        until, budget = time.monotonic() + self._timeout_s, current_budget()  # painters are threads of their own
        with ThreadPoolExecutor(max_workers=PAINTERS) as painters:
            return list(painters.map(lambda one: self._made(one, until, budget), wanted))

    def _made(self, wanted: WantedPicture, until: float, budget: EgressBudget | None) -> Lifestyle:
        from query.models.budget import spend

        out = self._local.place(wanted, "model")
        if out.is_file():
            return Lifestyle(str(out), composed=False)
        left = until - time.monotonic()
        sent: tuple[Egress, ...] = ()
        try:
            if left <= 0:
                raise ProviderError(f"the image model {self._model.name} had no time left")
            prompt, leaving = self._prompt(wanted)
            spend(len(prompt), budget)
            sent = leaving
            _keep(self._model.picture(prompt, within_s=left), out, self._model.name)
        except (ProviderError, LimitError) as error:
            notice = f"The image model could not be used for every picture, so composed ones stand in: {error.message}."
            return replace(self._local.compose(wanted), notice=notice, egress=sent)
        return Lifestyle(str(out), composed=False, egress=sent)

    def _prompt(self, wanted: WantedPicture) -> tuple[str, tuple[Egress, ...]]:
        """What leaves, masked, and the record of it."""
        from query.models.outgoing import Outgoing

        outgoing = Outgoing()
        prompt = PROMPT.format(title=outgoing.mask("product name", wanted.title), season=wanted.season)
        return prompt, (Egress(self._model.name, ("product name", "season"), len(prompt), outgoing.masked),)


def _keep(content: bytes, out: Path, model: str) -> None:
    """Write what the model made as a PNG of our own, which says where it is from. `ProviderError` for no picture."""
    from PIL import Image, UnidentifiedImageError
    from PIL.PngImagePlugin import PngInfo

    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            drawn = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ProviderError(f"the image model {model} gave a file that is no picture") from error
    note = PngInfo()
    note.add_text("Description", f"made by the image model {model}, not photographed")
    out.parent.mkdir(parents=True, exist_ok=True)
    drawn.thumbnail((1600, 1600))
    drawn.save(out, "PNG", pnginfo=note)
