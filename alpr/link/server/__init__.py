"""The collector's end of the link: ROUTER socket, handshake policy, hub, enrolment, hotlist server.

Knows no database of reads: what arrives goes to a handler.
"""
