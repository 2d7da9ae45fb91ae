"""Matching rules: policies, look-alikes, edits, wildcards, schedules, areas. Pure; knows no database and no file."""
