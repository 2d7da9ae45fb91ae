"""The centre: keeps what devices send, each record once, and answers searches for a stated and recorded purpose.

Knows nothing of cameras, models or hotlists; what comes over the wire is all that it has.
"""
