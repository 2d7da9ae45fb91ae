"""Messages between device and collector: types, bounds, encoding, JSON Schemas. Knows no socket and no file."""
