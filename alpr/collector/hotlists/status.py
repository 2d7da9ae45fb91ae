"""The hotlists that each device holds, beside what the collector hands on."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alpr.collector.hotlists.device_hotlists import DeviceHotlist, read_device_hotlists
from alpr.collector.store.files import device_hotlists_path, hotlist_path
from alpr.hotlist.updates.installed_sets import read_sets
from alpr.system.sqlite import connect_read_only, stored


@dataclass(frozen=True, slots=True)
class HotlistStatus:
    """One set at one device."""

    device: str
    report: DeviceHotlist | None
    """None: the device has never reported what it holds."""
    newest: int | None
    """Revision of the same set at the collector."""

    @property
    def is_behind(self) -> bool:
        """True where the collector has something newer, or the device holds nothing."""
        if self.report is None or self.report.revision is None:
            return True
        return self.newest is not None and self.report.revision < self.newest

    def age_s(self, now: datetime) -> float | None:
        """Return the seconds since the oldest list of the set was last confirmed by its publisher; None where
        unknown.

        Args:
            now: in UTC.
        """
        if self.report is None or self.report.updated_at is None:
            return None
        return max(0.0, (now - self.report.updated_at).total_seconds())


def hotlist_status(database: Path) -> list[HotlistStatus]:
    """Return all devices that the collector has ever heard, by name, each with the sets that it holds.

    Args:
        database: the collector's.

    Raises:
        StoreError: it is not there or cannot be read.
    """
    with closing(connect_read_only(database)) as connection, stored(database):
        names = {name for (name,) in connection.execute("SELECT name FROM devices")}
    report = read_device_hotlists(device_hotlists_path(database)) if device_hotlists_path(database).is_file() else []
    sets = read_sets(hotlist_path(database))[0] if hotlist_path(database).is_file() else ()
    newest = {held.list_set: held.revision for held in sets}
    rows = [HotlistStatus(each.device, each, newest.get(each.list_set or "")) for each in report]
    silent = names.difference(each.device for each in report)
    rows += [HotlistStatus(name, None, None) for name in silent]
    return sorted(rows, key=lambda row: row.device)
