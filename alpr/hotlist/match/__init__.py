"""Matching reads against a hotlist database: index, hits, skips, recheck of past reads. Only reads lists."""
