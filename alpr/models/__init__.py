"""Model files and their cards: found, verified, opened. The only importer of onnxruntime.

A model is two files of the same stem: `NAME.onnx` and its card `NAME.yaml`. The card says what the file is (sha256,
input, outputs, alphabet, thresholds, what it learned from, how well it does). What differs from its card never runs.
A shipped model may have a variant beside it, `NAME.int8.onnx`, that is quicker where the processor has instructions
for it.
"""

from alpr.models.card import ModelCard, file_sha256, load_card
from alpr.models.paddlex import PaddleFolder, read_folder
from alpr.models.provider import PROVIDERS, TOLERANCE, open_model
from alpr.models.session import Model, available_providers, run_profiled
from alpr.models.trial import difference, trial_input
from alpr.models.variant import Choice, Variant, choose

__all__ = [
    "PROVIDERS",
    "TOLERANCE",
    "Choice",
    "Model",
    "ModelCard",
    "PaddleFolder",
    "Variant",
    "available_providers",
    "choose",
    "difference",
    "file_sha256",
    "load_card",
    "open_model",
    "read_folder",
    "run_profiled",
    "trial_input",
]
