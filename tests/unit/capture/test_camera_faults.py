"""Each cause for which a camera gives no pictures has a sentence of its own, with what to do, and without secrets."""

from __future__ import annotations

import errno

import av
import pytest

from alpr.capture.address import parse_address
from alpr.capture.camera_faults import CameraFault, fault_of_error, fault_of_reach, in_words
from alpr.capture.reach import Reach

ADDRESS = parse_address("rtsp://admin:s3cret@cam.local:8554/stream1?token=t0ken")


def test_every_cause_has_one_line_of_its_own_without_secrets() -> None:
    assert ADDRESS is not None
    lines = [in_words(fault, ADDRESS, "tcp", "detail") for fault in CameraFault]
    assert len(set(lines)) == len(lines)
    for line in lines:
        assert "\n" not in line
        assert ";" in line or fault_is_plain(line)
        assert "s3cret" not in line
        assert "t0ken" not in line
        assert "cam.local" in line


def fault_is_plain(line: str) -> bool:
    """Of the one cause that is not known only the error can be told."""
    return "cannot be opened" in line


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (av.error.HTTPUnauthorizedError(401, "401 rtsp://admin:s3cret@x"), CameraFault.WRONG_PASSWORD),
        (av.error.HTTPForbiddenError(403, ""), CameraFault.FORBIDDEN),
        (av.error.HTTPNotFoundError(404, ""), CameraFault.WRONG_PATH),
        (av.error.HTTPServerError(503, ""), CameraFault.BUSY),
        (OSError(errno.EPROTONOSUPPORT, ""), CameraFault.TRANSPORT),
        (OSError(errno.EIO, ""), None),
        (av.error.InvalidDataError(1, ""), None),
    ],
)
def test_what_an_error_states_itself(error: Exception, fault: CameraFault | None) -> None:
    assert fault_of_error(error) is fault


def test_what_only_the_address_can_tell() -> None:
    broken = OSError(errno.EIO, "")
    assert fault_of_reach(Reach.NAME_UNKNOWN, broken, is_timeout=False) is CameraFault.NAME_UNKNOWN
    assert fault_of_reach(Reach.NO_ROUTE, broken, is_timeout=False) is CameraFault.NO_ROUTE
    assert fault_of_reach(Reach.SILENT, None, is_timeout=True) is CameraFault.NO_ANSWER
    assert fault_of_reach(Reach.ANSWERS, None, is_timeout=True) is CameraFault.SILENT
    garbage = av.error.InvalidDataError(1, "")
    assert fault_of_reach(Reach.ANSWERS, garbage, is_timeout=True) is CameraFault.SILENT
    assert fault_of_reach(Reach.ANSWERS, garbage, is_timeout=False) is CameraFault.OTHER_PROTOCOL


def test_only_who_answers_is_tried_again_soon() -> None:
    away = {CameraFault.NAME_UNKNOWN, CameraFault.NO_ROUTE, CameraFault.NO_ANSWER, CameraFault.REFUSED}
    assert {fault for fault in CameraFault if not fault.is_answering} == away
