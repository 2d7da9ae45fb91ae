"""Plates in pictures: detection, rectification and OCR, in several looks. Knows no camera and no hotlist."""
