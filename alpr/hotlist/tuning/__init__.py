"""Estimates of how many right and false hits a match policy would raise. Only reads lists; knows no camera."""
