"""Plates that are looked for: importing lists, matching reads against them, raising hits.

Knows nothing of cameras, models or the network; takes and gives the value types of `alpr.types`.
"""

from alpr.hotlist.database import bring_up_to_date
from alpr.hotlist.entry_mapping import entry_from_mapping, mapping_from_entry
from alpr.hotlist.hits import HotlistMatcher, hit_from, hit_id_of, may_learn
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
    "bring_up_to_date",
    "entry_from_mapping",
    "hit_from",
    "hit_id_of",
    "import_csv",
    "mapping_from_entry",
    "may_learn",
    "set_policy",
]
