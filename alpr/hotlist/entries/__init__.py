"""Hotlist entries: checking rows, optional columns, codes, the plain mapping of an entry. Pure; knows no database."""
