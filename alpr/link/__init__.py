"""Between device and collector: the journal with its outbox, and the encrypted connection. zmq stays in here."""

from alpr.link.allowlist import AllowList, Device, enrol, read_devices, revoke
from alpr.link.device import DeviceLink, LinkStatus
from alpr.link.health import CameraHealth, Heartbeat, ListHealth, MachineHealth, Vitals
from alpr.link.hub import Delivery, Hub, Peer, Receipt
from alpr.link.journal import Journal, JournalLimits
from alpr.link.keyring import KeyRing
from alpr.link.keys import KeyPair, load_key_pair, load_public_key, new_key_pair, write_key_pair
from alpr.link.salvage import mark_damaged, open_journal

__all__ = [
    "AllowList",
    "CameraHealth",
    "Delivery",
    "Device",
    "DeviceLink",
    "Heartbeat",
    "Hub",
    "Journal",
    "JournalLimits",
    "KeyPair",
    "KeyRing",
    "LinkStatus",
    "ListHealth",
    "MachineHealth",
    "Peer",
    "Receipt",
    "Vitals",
    "enrol",
    "load_key_pair",
    "load_public_key",
    "mark_damaged",
    "new_key_pair",
    "open_journal",
    "read_devices",
    "revoke",
    "write_key_pair",
]
