"""Plates that are looked for: importing lists, matching reads against them, raising hits.

Knows nothing of cameras, models or the network; takes and gives the value types of `alpr.types`.
"""

from alpr.hotlist.hits import HotlistMatcher, hit_from, hit_id_of
from alpr.hotlist.importer import ImportReport, import_csv
from alpr.hotlist.index import HotlistIndex, ListState
from alpr.hotlist.policies import set_policy
from alpr.hotlist.policy import MatchPolicy

__all__ = [
    "HotlistIndex",
    "HotlistMatcher",
    "ImportReport",
    "ListState",
    "MatchPolicy",
    "hit_from",
    "hit_id_of",
    "import_csv",
    "set_policy",
]
