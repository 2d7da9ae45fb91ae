"""The centre: keeps what devices send, each record once, and answers searches for a stated and recorded purpose.

Knows nothing of cameras, models or hotlists; what comes over the wire is all that it has.
"""

from alpr.collector.access import audited_search, checked_purpose, os_user
from alpr.collector.audit import Access, Audit, Head, audit_path
from alpr.collector.search import Found, FoundRead, Query, pattern_from_text
from alpr.collector.service import run_collector, stopped_by_signals
from alpr.collector.store import Store, Stored

__all__ = [
    "Access",
    "Audit",
    "Found",
    "FoundRead",
    "Head",
    "Query",
    "Store",
    "Stored",
    "audit_path",
    "audited_search",
    "checked_purpose",
    "os_user",
    "pattern_from_text",
    "run_collector",
    "stopped_by_signals",
]
