"""Matching of reads against a hotlist database: index, hits, skips, recheck of past reads. Never writes lists."""
