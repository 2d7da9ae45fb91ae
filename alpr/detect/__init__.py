"""Plate detection: where in a picture plates are. Knows nothing of what they say."""
