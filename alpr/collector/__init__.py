"""The centre: keeps what devices send, each record once, and answers searches for a stated and recorded purpose.

Knows nothing of cameras and models; what comes over the wire, and the hotlists that it hands on, are all that it has.
"""
