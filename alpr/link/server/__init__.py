"""The collector's end of the link: ROUTER socket, handshake policy, hub, enrolment, hotlist server."""
