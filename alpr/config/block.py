"""What all blocks of a configuration have in common, and values that several of them hold."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Point: TypeAlias = tuple[Share, Share]
Polygon: TypeAlias = Annotated[tuple[Point, ...], Field(min_length=3)]


class Block(BaseModel):
    """Keys that belong together; one that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)
