"""Signed, numbered hotlist updates: container, signing, publishing, installing. Knows no network."""
