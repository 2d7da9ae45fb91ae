"""Where in the frame are plates. Knows nothing of what they say."""

from alpr.detect.detector import PlateDetector

__all__ = ["PlateDetector"]
