"""Frames in: cameras, video files and folders of pictures behind one `Source`, run by `Feed`s; picture files.

The only importer of `cv2.VideoCapture`. Knows nothing of plates.
"""

from alpr.capture.feed import Feed, Feeds
from alpr.capture.film import VideoFileSource
from alpr.capture.folder import ImageFolderSource
from alpr.capture.live import RtspSource, UsbSource
from alpr.capture.opening import open_source
from alpr.capture.pictures import is_video, load_picture
from alpr.capture.source import Source, mask_url
from alpr.capture.status import FeedState, FeedStatus

__all__ = [
    "Feed",
    "FeedState",
    "FeedStatus",
    "Feeds",
    "ImageFolderSource",
    "RtspSource",
    "Source",
    "UsbSource",
    "VideoFileSource",
    "is_video",
    "load_picture",
    "mask_url",
    "open_source",
]
