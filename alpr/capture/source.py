"""The interface of every camera, video and folder of pictures: a `Source` of frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from alpr.types import Frame

_CREDENTIALS = re.compile(r"(?<=://).*@")  # up to the last @: a password may hold one, or a slash
_SECRET_PARAMETERS = re.compile(r"(?i)([?&;][^=&;]*(?:user|pas|pwd|pw|token|key|auth|secret)[^=&;]*=)[^&;#]*")


class Source(Protocol):
    """Gives frames one after the other to one thread. Has no thread of its own; its constructor opens nothing."""

    @property
    def camera_id(self) -> str:
        """Id of the camera, as in every frame."""

    @property
    def is_live(self) -> bool:
        """True where frames come in real time: a slow consumer must drop some, and it never ends by itself."""

    @property
    def skipped(self) -> int:
        """Number of frames or pictures so far that could not be decoded; `seq` counts them, nobody gets them."""

    @property
    def problem(self) -> str:
        """Sentence on what is missing of a video or folder whose frames have ended; "" where it is whole."""

    @property
    def left_out(self) -> int:
        """Number of frames of a live source so far that were not handed out because newer ones were there."""

    @property
    def is_on_demand(self) -> bool:
        """True where the next frame costs little until it is asked for, and asking late gives a newer one."""

    def frames(self) -> Iterator[Frame]:
        """Open the source and yield its frames; `seq` rises by one, and by more where a picture was not decoded.

        Each image is the consumer's own: it is never written to again. A live source may be asked again after an
        error and goes on with the next `seq`; a video or folder starts again from its beginning. Ends at the end of a
        video or folder, or soon after `close`; a live source never ends otherwise.

        Raises:
            SourceOpenError: it cannot be opened now.
            SourceLost: it was open and stopped giving frames. Live sources only.
        """

    def close(self) -> None:
        """Make `frames` end soon, for good. May be called from any thread, and more than once."""


def mask_url(url: str) -> str:
    """Return a URL without its secrets, fit for logs and messages.

    Args:
        url: as configured.

    >>> mask_url("rtsp://admin:s3cret@10.0.0.7:554/stream?channel=1&pwd=s3cret")
    'rtsp://***@10.0.0.7:554/stream?channel=1&pwd=***'
    """
    return _SECRET_PARAMETERS.sub(r"\1***", _CREDENTIALS.sub("***@", url))
