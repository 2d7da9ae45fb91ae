"""The typefaces of rendered plates: which ones, where from, and glyph masks of them.

`python -m training.fonts` fetches them by name from the npm registry (`npm pack @fontsource/...`) into
`training/cache/fonts`; all are under the SIL Open Font License 1.1. Without them the renderer runs with the
face that Pillow itself brings (`ImageFont.load_default`), which is enough for tests and not for training.
"""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

CACHE = Path(__file__).parent / "cache" / "fonts"
LICENCE = "OFL-1.1"
GLYPH_HEIGHT = 96  # px at which glyphs are kept; plates scale them down from here
DEFAULT_FACE = "pillow-default"

Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Face:
    """One face as its npm package names it."""

    package: str
    weight: int

    @property
    def name(self) -> str:
        """The stem of its file in the cache."""
        return f"{self.package}-{self.weight}"


FACES = tuple(
    Face(package, weight)
    for package, weights in {
        "overpass": (600, 800),
        "barlow-condensed": (500, 600),
        "barlow-semi-condensed": (500, 600),
        "saira-condensed": (500, 700),
        "saira-semi-condensed": (500, 600),
        "saira-extra-condensed": (600,),
        "rajdhani": (600, 700),
        "oswald": (400, 500),
        "roboto-condensed": (500, 700),
        "b612-mono": (400, 700),
        "share-tech-mono": (400,),
        "fjalla-one": (400,),
        "archivo-narrow": (500, 700),
        "pathway-gothic-one": (400,),
        "pt-sans-narrow": (700,),
        "teko": (400, 500),
        "bebas-neue": (400,),
        "league-gothic": (400,),
        "roboto-mono": (500, 700),
        "space-mono": (700,),
        "michroma": (400,),
        "chakra-petch": (600,),
        "sofia-sans-condensed": (600, 700),
        "sofia-sans-extra-condensed": (600,),
        "asap-condensed": (600,),
        "fira-sans-condensed": (500, 600),
        "fira-sans-extra-condensed": (500,),
        "encode-sans-condensed": (500, 700),
        "antonio": (500, 600),
        "big-shoulders-display": (600,),
        "cabin-condensed": (600,),
        "public-sans": (600,),
        "dosis": (600, 700),
        "titillium-web": (600,),
        "exo-2": (600,),
        "quantico": (400, 700),
    }.items()
    for weight in weights
)


def fetch() -> int:
    """Fetch every face that the cache lacks; the number of faces that are there at the end."""
    make_font = import_module("fontTools.ttLib").TTFont  # needed for fetching alone
    CACHE.mkdir(parents=True, exist_ok=True)
    for package in sorted({face.package for face in FACES}):
        wanted = [f for f in FACES if f.package == package and not (CACHE / f"{f.name}.ttf").exists()]
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["npm", "pack", "--silent", f"@fontsource/{package}@5"], cwd=folder, check=True)
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                archive.extractall(folder, filter="data")
            for face in wanted:
                source = Path(folder) / "package" / "files" / f"{package}-latin-{face.weight}-normal.woff2"
                font = make_font(source)
                font.flavor = None
                font.save(CACHE / f"{face.name}.ttf")
    return len(available())


@cache
def available() -> tuple[str, ...]:
    """Names of the faces in the cache; only Pillow's own where it is empty."""
    found = tuple(face.name for face in FACES if (CACHE / f"{face.name}.ttf").exists())
    return found or (DEFAULT_FACE,)


@lru_cache(maxsize=512)
def load(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A face of the cache at a size in px."""
    if name == DEFAULT_FACE:
        font = ImageFont.load_default(size)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise RuntimeError("this Pillow has no FreeType: install a Pillow wheel that has it")
        return font
    return ImageFont.truetype(str(CACHE / f"{name}.ttf"), size)


@lru_cache(maxsize=8192)
def glyph(name: str, char: str) -> Mask:
    """The ink of one character as a tight mask, (h, w) uint8, drawn so that a capital is about GLYPH_HEIGHT tall."""
    font = load(name, int(GLYPH_HEIGHT * 1.4))
    left, top, right, bottom = font.getbbox(char)
    canvas = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8))
    ImageDraw.Draw(canvas).text((4 - left, 4 - top), char, fill=255, font=font)
    mask = np.asarray(canvas)
    rows, columns = np.nonzero(mask.max(axis=1) > 40)[0], np.nonzero(mask.max(axis=0) > 40)[0]
    if not len(rows):
        return np.zeros((GLYPH_HEIGHT, GLYPH_HEIGHT // 3), np.uint8)
    return np.ascontiguousarray(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def words(name: str, text: str, size: int) -> Mask:
    """A line of small print as a mask, (h, w) uint8."""
    font = load(name, size)
    left, top, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (max(1, int(right - left) + 2), max(1, int(bottom - top) + 2)))
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(canvas)


if __name__ == "__main__":
    print(f"{fetch()} faces in {CACHE}")
