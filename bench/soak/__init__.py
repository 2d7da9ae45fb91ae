"""All that a hostile peer can do to a collector, at once, while honest devices go on delivering beside.

    python -m bench.soak --seconds 60             # all attacks
    python -m bench.soak --seconds 10 endless     # one by name

The collector is `alpr collector` itself with hotlists to hand out; attackers are processes of their own, enrolled or
not, and honest devices have connections with CURVE and time each ack. Exit 3 where the collector ended, grew beyond
300 MB, lost an ack or took longer than a second for one in a hundred. On loopback only; it ends by itself.
"""
