"""Tests of alpr/view."""
