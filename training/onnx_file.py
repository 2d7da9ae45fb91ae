"""What every exported network goes through: batch norms folded, the exporter's notes taken out."""

from __future__ import annotations

from pathlib import Path

import onnx
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

OPSET = 18
LICENCE = "Apache-2.0"


def fold_batch_norms(module: nn.Module) -> None:
    """Merge every Conv2d with the BatchNorm2d after it, in place."""
    for part in module.children():
        fold_batch_norms(part)
        if isinstance(part, nn.Sequential):
            for at in range(len(part) - 1):
                conv, norm = part[at], part[at + 1]
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    part[at] = fuse_conv_bn_eval(conv, norm)
                    part[at + 1] = nn.Identity()


def strip_notes(path: Path) -> None:
    """Take the exporter's notes out of a file: paths of the machine that it ran on are among them."""
    model = onnx.load(path)
    for part in [model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info]:
        del part.metadata_props[:]
        part.doc_string = ""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, path)
