"""The source that a camera's URL in a configuration stands for."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from alpr.capture.folder import ImageFolderSource
from alpr.capture.live import RtspSource, Transport
from alpr.capture.pictures import is_video
from alpr.capture.source import Source, mask_url
from alpr.capture.usb import UsbSource
from alpr.capture.video_file import VideoFileSource
from alpr.clock import Clock
from alpr.errors import SourceError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def is_moving_picture(url: str) -> bool:
    """Tell whether a URL is of a camera or a video, whose frames are of one view; not of a folder or a picture.

    Args:
        url: as for `open_source`.
    """
    scheme = _SCHEME.match(url)
    if (scheme and scheme[1].lower() != "file") or url.startswith(("usb:", "/dev/")):
        return True
    path = Path(url[scheme.end() :] if scheme else url)
    return path.is_file() and is_video(path)


def open_source(
    camera_id: str,
    url: str,
    *,
    clock: Clock,
    realtime: bool = False,
    started_at: datetime | None = None,
    interval_s: float = 1.0,
    open_timeout_s: float = 5.0,
    read_timeout_s: float = 2.0,
    transport: Transport = "auto",
    most_age_s: float = 1.0,
) -> Source:
    """Return the source that a URL stands for.

    The URL is `rtsp://…`, `http(s)://…`, `usb:0`, `/dev/video0`, or the path of a folder, a video or a picture file.
    Nothing is opened yet; a file that is not there shows when its frames are asked for.

    Args:
        camera_id: of every frame.
        url: address, device or path; `file://` may precede a path.
        clock: dates frames.
        realtime: True plays files at their own pace; live sources always do.
        started_at: instant of a video file's first frame, aware UTC; None takes the moment of opening.
        interval_s: seconds between the pictures of a folder.
        open_timeout_s: seconds that opening a network camera may take.
        read_timeout_s: seconds without a frame after which a live camera is lost.
        transport: of RTSP: "tcp", "udp", or "auto" for the first of them that the camera offers.
        most_age_s: age from which on a network camera's frame is not handed out any more, seconds.

    Raises:
        SourceError: the URL is of an unknown kind.
    """
    scheme = _SCHEME.match(url)
    if scheme and scheme[1].lower() in ("rtsp", "rtsps", "http", "https"):
        return RtspSource(
            camera_id,
            url,
            clock=clock,
            transport=transport,
            open_timeout_s=open_timeout_s,
            read_timeout_s=read_timeout_s,
            most_age_s=most_age_s,
        )
    if usb := re.fullmatch(r"usb:(\d+)", url):
        return UsbSource(camera_id, int(usb[1]), clock=clock, read_timeout_s=read_timeout_s)
    if re.fullmatch(r"/dev/(video\d+|v4l/.+)", url):
        return UsbSource(camera_id, url, clock=clock, read_timeout_s=read_timeout_s)
    if (scheme and scheme[1].lower() != "file") or url.startswith("usb:") or not url:
        raise SourceError(
            f"camera {camera_id}: {mask_url(url)!r} is not a source; "
            "give rtsp://, http://, https://, usb:0, /dev/video0, a folder or a file"
        )
    path = Path(url[scheme.end() :] if scheme else url)
    if path.is_dir() or (path.is_file() and not is_video(path)):
        return ImageFolderSource(camera_id, path, clock=clock, interval_s=interval_s, realtime=realtime)
    return VideoFileSource(camera_id, path, clock=clock, started_at=started_at, realtime=realtime)
