"""Plates that are looked for: importing lists, matching reads against them, raising hits.

Knows nothing of cameras, models or the network; takes and gives the value types of `alpr.types`.
"""
