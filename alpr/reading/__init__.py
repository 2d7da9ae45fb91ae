"""Plate reading: detection, rectification and OCR together, in several looks. Knows no camera and no hotlist."""
