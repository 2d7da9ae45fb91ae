"""The condition of all devices: last heartbeats, alerts, bounds on what one may report.

Knows no read and no person.
"""
