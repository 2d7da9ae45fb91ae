"""Why a network camera cannot be opened, in words: one sentence for each cause, with what to do about it. Pure."""

from __future__ import annotations

import errno
from enum import StrEnum

import av

from alpr.capture.address import StreamAddress
from alpr.capture.reach import Reach

_PROTOCOL_NOT_SUPPORTED = errno.EPROTONOSUPPORT


class CameraFault(StrEnum):
    """The cause for which a camera gives no pictures."""

    NAME_UNKNOWN = "name-unknown"
    REFUSED = "refused"
    NO_ROUTE = "no-route"
    NO_ANSWER = "no-answer"
    SILENT = "silent"
    """It lets us connect and says nothing."""
    NO_PASSWORD = "no-password"  # noqa: S105 - the name of a cause
    WRONG_PASSWORD = "wrong-password"  # noqa: S105
    FORBIDDEN = "forbidden"
    WRONG_PATH = "wrong-path"
    TRANSPORT = "transport"
    BUSY = "busy"
    OTHER_PROTOCOL = "other-protocol"
    NO_VIDEO = "no-video"
    UNKNOWN_CODEC = "unknown-codec"
    TOO_LARGE = "too-large"
    OTHER = "other"

    @property
    def is_answering(self) -> bool:
        """True where something at the address answers: it is worth trying again soon."""
        return self not in (
            CameraFault.NAME_UNKNOWN,
            CameraFault.NO_ROUTE,
            CameraFault.NO_ANSWER,
            CameraFault.REFUSED,
        )


_BY_ERROR: tuple[tuple[type[Exception], CameraFault], ...] = (
    (av.error.HTTPUnauthorizedError, CameraFault.WRONG_PASSWORD),
    (av.error.HTTPForbiddenError, CameraFault.FORBIDDEN),
    (av.error.HTTPNotFoundError, CameraFault.WRONG_PATH),
    (av.error.HTTPServerError, CameraFault.BUSY),
    (av.error.HTTPTooManyRequestsError, CameraFault.BUSY),
    (av.error.HTTPBadRequestError, CameraFault.OTHER_PROTOCOL),
    (av.error.HTTPOtherClientError, CameraFault.WRONG_PATH),
)
_BY_REACH = {
    Reach.NAME_UNKNOWN: CameraFault.NAME_UNKNOWN,
    Reach.REFUSED: CameraFault.REFUSED,
    Reach.NO_ROUTE: CameraFault.NO_ROUTE,
    Reach.SILENT: CameraFault.NO_ANSWER,
}


def fault_of_error(error: Exception) -> CameraFault | None:
    """Return the cause that an error of FFmpeg states; None where the address has to be tried to know.

    Args:
        error: raised while opening.
    """
    for kind, fault in _BY_ERROR:
        if isinstance(error, kind):
            return fault
    if getattr(error, "errno", None) == _PROTOCOL_NOT_SUPPORTED:
        return CameraFault.TRANSPORT
    return None


def fault_of_reach(answer: Reach, error: Exception | None, *, is_timeout: bool) -> CameraFault:
    """Return the cause of an error that states none itself.

    Args:
        answer: of the camera's address, tried after the error.
        error: raised while opening; None where there was none yet.
        is_timeout: True where it took as long as nothing may come; FFmpeg calls that invalid data, too.
    """
    if answer is not Reach.ANSWERS:
        return _BY_REACH[answer]
    if error is None or is_timeout or isinstance(error, av.error.ExitError | TimeoutError):
        return CameraFault.SILENT
    return CameraFault.OTHER_PROTOCOL if isinstance(error, av.error.InvalidDataError) else CameraFault.OTHER


def in_words(fault: CameraFault, address: StreamAddress, transport: str, detail: str = "") -> str:
    """Return what is wrong and what to do about it, without secrets.

    Args:
        fault: the cause.
        address: of the camera.
        transport: as configured.
        detail: codec, size or error, where there is one.
    """
    where, host = f"{address.host}:{address.port}", address.host
    kind = "RTSP" if address.scheme.startswith("rtsp") else "HTTP"
    other = "tcp" if transport == "udp" else "udp"
    return {
        CameraFault.NAME_UNKNOWN: f"the name {host} is not known; check its spelling, or give the camera's number",
        CameraFault.REFUSED: f"{where} refuses the connection; check the port, and that {kind} is switched on in the "
        "camera",
        CameraFault.NO_ROUTE: f"there is no way to {host} from here; check cable, network and addresses",
        CameraFault.NO_ANSWER: f"{where} does not answer; check that the camera is on and its address is right",
        CameraFault.SILENT: f"{where} lets us connect and sends nothing; restart the camera",
        CameraFault.NO_PASSWORD: f"{host} asks for user and password; put them before the address as user:password@",
        CameraFault.WRONG_PASSWORD: f"{host} does not take this user and password; check both",
        CameraFault.FORBIDDEN: f"{host} does not let this user see the stream; give the user the right to in the "
        "camera",
        CameraFault.WRONG_PATH: f"{host} has no stream at {_path(address)}; look its path up in the camera's manual",
        CameraFault.TRANSPORT: f"{host} does not send by {transport.upper()}; set transport: {other}",
        CameraFault.BUSY: f"{host} has an error of its own or too many viewers; close other viewers or restart it",
        CameraFault.OTHER_PROTOCOL: f"{where} answers, but not in {kind}; check the port and the address",
        CameraFault.NO_VIDEO: f"the stream of {host} has no pictures; choose another stream of the camera",
        CameraFault.UNKNOWN_CODEC: f"{host} sends pictures in a coding that is not known here; set the camera to "
        "H.264, H.265 or MJPEG",
        CameraFault.TOO_LARGE: f"{host} sends frames of {detail} that are accepted; set the camera to a smaller size",
        CameraFault.OTHER: f"{where} cannot be opened ({detail}); check the address and the camera",
    }[fault]


def _path(address: StreamAddress) -> str:
    return address.path.partition("?")[0] or "/"
