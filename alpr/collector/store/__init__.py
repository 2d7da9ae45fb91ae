"""The reads database: reads, hits and pictures of all devices, each once.

Knows no purpose, no person and no socket.
"""
