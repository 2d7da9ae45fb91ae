"""The journal of a device: its reads and hits, and the outbox of what is not acknowledged yet. Knows no network."""
