"""Carries what the collector has stored on to others: webhooks and MQTT.

Knows events as plain rows and targets that take them; not where they come from. Each target has its own place in the
queue, so that one that is down holds up no other, and nothing is lost while it is.
"""
