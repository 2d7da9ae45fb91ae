"""The device's end of the link: DEALER socket, session, heartbeat, hotlist download, enrolment.

Knows no camera and no match: what it sends lies in the outbox, what it fetches lands in a folder.
"""
