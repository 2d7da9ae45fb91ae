"""What a rectified plate says. Knows nothing of frames."""

from alpr.ocr.recogniser import PlateRecogniser, Recogniser

__all__ = ["PlateRecogniser", "Recogniser"]
