"""Carries what the collector has stored on to others: webhooks and MQTT.

Knows events as plain rows and targets that take them; not where they come from. Each target has its own place in the
queue, so that one that is down holds up no other, and nothing is lost while it is.
"""

from alpr.forward.event import Event
from alpr.forward.forwarder import Forwarder, forward_path, read_targets, waiting_for
from alpr.forward.queue import QUEUE_TABLE, QueueLimits, append, prune
from alpr.forward.target import Target
from alpr.forward.webhook import Webhook

__all__ = [
    "QUEUE_TABLE",
    "Event",
    "Forwarder",
    "QueueLimits",
    "Target",
    "Webhook",
    "append",
    "forward_path",
    "prune",
    "read_targets",
    "waiting_for",
]
