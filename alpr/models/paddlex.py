"""Model folders of PaddleOCR (PaddleX): `inference.onnx` and `inference.yml`. Read and checked, not run, here.

The layout is PaddleX's 3.7: https://github.com/PaddlePaddle/PaddleX; `python -m training.export_paddle` writes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpr.errors import ModelError
from alpr.models.card import file_sha256
from alpr.models.session import shapes_of
from alpr.system.bounded_yaml import YamlFault, load_yaml

GRAPH, SETTINGS = "inference.onnx", "inference.yml"
_MARGIN = (0.06, 0.12)  # where the folder does not say, under alpr.margin


@dataclass(frozen=True, slots=True)
class PaddleFolder:
    """The settings of a PaddleX folder, as far as they matter here."""

    path: Path
    model_name: str
    """Name under which PaddleX registers the model; it decides how the folder is read."""
    size_wh: tuple[int, int]
    """Width and height of the patches that suit it, pixels; narrower ones are padded on the right."""
    margin: tuple[float, float]
    """Share of the plate's width and height that a patch shows around it on each side."""
    sha256: str
    """SHA-256 of the graph, hexadecimal."""

    @property
    def model_id(self) -> str:
        """`paddle-NAME@first 12 hex digits of the SHA-256`: names the model in its reads."""
        return f"paddle-{self.model_name}@{self.sha256[:12]}"


def read_paddle_folder(path: Path) -> PaddleFolder:
    """Read the settings of a text recogniser, and check that its graph fits them.

    Args:
        path: of the folder.

    Raises:
        ModelError: a file is missing, the settings are not those of a text recogniser, or the graph does not fit
            them.
    """
    missing = [name for name in (GRAPH, SETTINGS) if not (path / name).is_file()]
    if missing:
        raise ModelError(
            f"ocr.model_dir {path} lacks {' and '.join(missing)}: give a PaddleX folder of a text recogniser in ONNX "
            f"form; `python -m training.export_paddle` makes one of the shipped recogniser"
        )
    settings = path / SETTINGS
    try:
        fields = load_yaml(settings, most_bytes=2 << 20, most_nodes=100_000)  # the characters are some 20,000
    except (OSError, YamlFault) as error:
        raise ModelError(f"{settings} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        name = str(fields["Global"]["model_name"])
        _, height, width = _image_shape(fields["PreProcess"]["transform_ops"])
        decoder = fields["PostProcess"]["name"]
        characters = len(fields["PostProcess"]["character_dict"])
        across, down = map(float, fields.get("alpr", {}).get("margin", _MARGIN))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(
            f"{settings} needs Global.model_name, RecResizeImg.image_shape among PreProcess.transform_ops, "
            "PostProcess.name and PostProcess.character_dict"
        ) from error
    if decoder != "CTCLabelDecode":
        raise ModelError(f"{settings}: PostProcess.name is {decoder}, expected CTCLabelDecode: no text recogniser")
    _check_graph(path, characters)
    return PaddleFolder(path, name, (width, height), (across, down), file_sha256(path / GRAPH))


def _check_graph(path: Path, characters: int) -> None:
    inputs, outputs = shapes_of(path / GRAPH)
    if len(inputs) != 1 or len(inputs[0]) != 4:
        raise ModelError(f"{path / GRAPH} takes {inputs}, expected one input (N, 3, height, width)")
    classes = outputs[0][-1]
    if isinstance(classes, int) and classes != characters + 2:
        raise ModelError(
            f"{path / GRAPH} has {classes} output classes, but {SETTINGS} has {characters} characters: with a blank "
            f"before and the space that PaddleX adds after them it should be {characters + 2}"
        )


def _image_shape(operators: list[dict[str, Any]]) -> tuple[int, int, int]:
    resizing = next(each["RecResizeImg"] for each in [*operators, {"RecResizeImg": None}] if "RecResizeImg" in each)
    channels, height, width = resizing["image_shape"]
    return int(channels), int(height), int(width)
