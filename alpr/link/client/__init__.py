"""The device's end of the link: DEALER socket, session, heartbeat, hotlist download, enrolment."""
