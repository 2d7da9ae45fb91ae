"""Rows of reads, hits and alerts for people and programs, and their JSON Schema. Knows no database and no socket."""
