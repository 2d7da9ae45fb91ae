"""Hotlist files: reading their formats, importing, comparing, staging. Knows no signed update and no network."""
