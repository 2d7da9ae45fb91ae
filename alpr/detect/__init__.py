"""Where in the frame are plates. Knows nothing of what they say."""

from alpr.detect.detector import PlateDetector
from alpr.detect.refine import PARTS

__all__ = ["PARTS", "PlateDetector"]
