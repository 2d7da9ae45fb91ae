"""The parts of a device, built from its configuration in the order in which they need each other. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial

from alpr.capture.feeds import Feeds
from alpr.clock import Clock
from alpr.config import EdgeConfig
from alpr.detect.detector import PlateDetector
from alpr.edge.base import EdgeBase, feeds_for
from alpr.edge.camera_parts import CameraReaders, Trackers, live_cameras
from alpr.edge.camera_views import CameraViews
from alpr.edge.clock_watch import ClockWatch, DatedTracker, clock_by_collector
from alpr.edge.disk_quota import DiskQuota
from alpr.edge.health import DeviceHealth
from alpr.edge.hotlist_damage import GuardedMatcher, HotlistDamage
from alpr.edge.hotlist_updates import HotlistUpdates
from alpr.edge.metrics import DeviceMetrics
from alpr.edge.own_recheck import OwnRecheck, open_own_recheck
from alpr.edge.page import DevicePage, check_page
from alpr.edge.position import open_positioning, position_health, positioned, positions_of
from alpr.edge.privacy import open_privacy, privacy_health, zone_rules
from alpr.edge.settings import (
    facts_of,
    joining_rules,
    max_ages_of,
    places_of,
    track_settings,
    update_settings,
    watched_cameras,
)
from alpr.edge.shedding import Shedding
from alpr.edge.sticks import open_sticks, stick_side
from alpr.errors import StoreError
from alpr.hotlist.match.hits import HotlistMatcher
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.skip_counter import SkipCounter
from alpr.hotlist.store.database import bring_up_to_date
from alpr.hotlist.updates.renewal import renew_damaged
from alpr.journal.journal import Journal
from alpr.journal.recovery import open_journal
from alpr.journal.rows import JournalLimits
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.curve_keys import load_public_key
from alpr.link.keys.keyring import KeyRing
from alpr.link.protocol.heartbeat_messages import Vitals
from alpr.ocr.engines import open_recogniser
from alpr.pipeline import Pipeline
from alpr.position.service import Positioning
from alpr.privacy.read_privacy import ReadPrivacy
from alpr.privacy.zones import ZoneRules
from alpr.reading.plate_reader import PlateReader
from alpr.system.metrics_endpoint import Exporter
from alpr.system.sqlite import LOOP_BUSY_S
from alpr.system.stage_times import StageTimes
from alpr.types import Hit, Read


class NoHotlist:
    """The matcher of a device without a hotlist."""

    def hits(self, read: Read) -> list[Hit]:  # noqa: ARG002 - the Matcher protocol
        """Return no hits."""
        return []


@dataclass(frozen=True, slots=True)
class EdgeParts:
    """All parts of a running device; what the configuration leaves out is None."""

    reader: PlateReader
    updates: HotlistUpdates | None
    own_recheck: OwnRecheck | None
    index: HotlistIndex | None
    hotlist_damage: HotlistDamage
    journal: Journal
    quota: DiskQuota
    privacy: ReadPrivacy
    positioning: Positioning | None
    zones: ZoneRules
    feeds: Feeds
    views: CameraViews
    trackers: Trackers
    readers: CameraReaders
    shedding: Shedding
    pipeline: Pipeline
    times: StageTimes
    health: DeviceHealth
    metrics: DeviceMetrics | None
    link: DeviceLink | None
    clock_watch: ClockWatch
    page: DevicePage


def open_parts(
    config: EdgeConfig, clock: Clock, stack: ExitStack, base: EdgeBase, reader: PlateReader | None = None
) -> EdgeParts:
    """Open every part that follows from the configuration; nothing of it runs yet.

    Args:
        config: of the device.
        clock: of all parts.
        stack: closes what was opened, in reverse order.
        base: what the run keeps over all configurations.
        reader: opened already for this configuration; None opens one.

    Raises:
        AlprError: a model, key, hotlist or journal cannot be used.
    """
    damage = HotlistDamage(None if config.hotlist is None else config.hotlist.database)
    stack.push(lambda _kind, error, _trace: _note(damage, error))
    reader = reader or open_reader(config)
    updates = open_updates(config, clock, stack)
    if updates is None and config.hotlist is not None:  # else whoever takes the updates has seen to it
        renew_damaged(config.hotlist.database, clock.now())
    index = open_index(config, stack)
    matcher = GuardedMatcher(matcher_for(config, index, clock, stack), damage)
    journal = open_device_journal(config, clock, stack)
    privacy = open_privacy(config, clock, stack)
    positioning = open_positioning(config, clock, stack)
    positions = positions_of(config, positioning)
    zones = zone_rules(config, positions)
    if updates is not None and index is not None:
        updates.check_past(index, config.device.journal, places_of(config.cameras), max_ages_of(config), privacy)
    own_recheck = open_own_recheck(config, index, clock, stack, privacy) if updates is None else None
    open_sticks(config, clock, stack)
    feeds, views, last_error = base.feeds, base.views, base.last_error
    views.watch(watched_cameras(config))
    health = DeviceHealth(
        config.device.data_dir,
        feeds.statuses,
        reader.model_ids,
        lambda: last_error.text,
        clock,
        views.states,
        lambda: privacy_health(config, zones),
        None if positioning is None else lambda: position_health(positioning.status()),
        lambda: clock_watch.health(),  # noqa: PLW0108 - it is made below, since it asks the link
    )
    link = open_link(config, clock, health, updates, base.crash.wait_s)
    compared = [] if positioning is None else [positioning.clock_state]
    compared += [] if link is None else [partial(clock_by_collector, link)]
    clock_watch = ClockWatch(clock, compared)
    shedding = Shedding(live_cameras(config.cameras, clock), clock.monotonic_ns())
    trackers = Trackers(
        track_settings(config), reader.model_ids, shedding, facts_of(config), views.passed, joining_rules(config)
    )
    readers = CameraReaders(reader, config.cameras, shedding)
    return EdgeParts(
        reader=reader,
        updates=updates,
        own_recheck=own_recheck,
        index=index,
        hotlist_damage=damage,
        journal=journal,
        quota=DiskQuota(config.device.data_dir, config.device.journal, journal, config.device.max_disk_bytes, clock),
        privacy=privacy,
        positioning=positioning,
        zones=zones,
        feeds=feeds,
        views=views,
        trackers=trackers,
        readers=readers,
        shedding=shedding,
        pipeline=Pipeline(
            reader_for=readers.make,
            tracker_for=lambda camera_id: DatedTracker(
                positioned(trackers.make(camera_id), positions.get(camera_id)), clock_watch
            ),
            matcher=matcher,
            journal=journal,
            times=base.times,
            clock=clock,
            masked={camera.id: camera.mask for camera in config.cameras if camera.mask},
            privacy=privacy,
        ),
        times=base.times,
        health=health,
        metrics=_metrics(config, stack),
        link=link,
        clock_watch=clock_watch,
        page=base.page,
    )


def check_parts(
    config: EdgeConfig, clock: Clock, *, reader: PlateReader | None = None, is_running: bool = False
) -> None:
    """Open models, hotlist, keys and journal, and close them again; cameras are not connected to.

    Args:
        config: of the device.
        clock: of the parts.
        reader: the models, where they were opened before.
        is_running: True leaves the journal alone, since a run has it open.

    Raises:
        AlprError: the first that cannot be used.
    """
    feeds_for(config.cameras, clock)
    if reader is None:
        open_reader(config)
    with ExitStack() as stack:
        if (settings := update_settings(config)) is not None:
            settings.trust()
        matcher_for(config, open_index(config, stack), clock, stack)
        open_link(config, clock)
        if config.stick is not None:
            stick_side(config, clock)
        check_page(config, is_running=is_running)
        if not is_running:
            open_device_journal(config, clock, stack)


def open_reader(config: EdgeConfig) -> PlateReader:
    """Open the detector and the recogniser.

    Args:
        config: of the device.

    Raises:
        ModelError: one of them cannot be used.
    """
    models, ocr = config.models, config.ocr
    return PlateReader(
        PlateDetector(
            models.detector, threshold=config.detection_threshold, variant=models.variant, provider=models.provider
        ),
        open_recogniser(
            ocr.engine,
            models.recogniser,
            model_dir=ocr.model_dir,
            variant=models.variant,
            provider=models.provider,
        ),
    )


def open_updates(config: EdgeConfig, clock: Clock, stack: ExitStack) -> HotlistUpdates | None:
    """Begin to take hotlist updates, which also makes the database where it is missing; None where none are taken.

    Args:
        config: of the device.
        clock: by which updates expire.
        stack: ends the updates' thread.

    Raises:
        KeyFileError: the file of administrators cannot be used.
        StoreError: the database cannot be used.
    """
    hotlist, settings = config.hotlist, update_settings(config)
    if hotlist is None or settings is None:
        return None
    folder = config.device.data_dir / "hotlists"
    return stack.enter_context(HotlistUpdates(hotlist.database, folder, settings, clock))


def open_index(config: EdgeConfig, stack: ExitStack) -> HotlistIndex | None:
    """Open the hotlist for matching; None where there is none, or none yet.

    Args:
        config: of the device.
        stack: closes the index.

    Raises:
        StoreError: the database cannot be used.
    """
    hotlist = config.hotlist
    if hotlist is None or (hotlist.admins is not None and not hotlist.database.is_file()):
        return None  # the latter in a check: the first run makes it, and the first update fills it
    bring_up_to_date(hotlist.database)
    return stack.enter_context(HotlistIndex.open(hotlist.database, busy_s=LOOP_BUSY_S))


def matcher_for(
    config: EdgeConfig, index: HotlistIndex | None, clock: Clock, stack: ExitStack
) -> HotlistMatcher | NoHotlist:
    """Build the matcher of an opened hotlist; its counts of skips are written when the stack closes.

    Args:
        config: of the device.
        index: of its hotlist; None where there is none yet.
        clock: by which entries and skips are valid.
        stack: writes the counts of skips at its end.
    """
    if config.hotlist is None or index is None:
        return NoHotlist()
    skips = SkipCounter(config.hotlist.database, clock)
    stack.callback(skips.write)
    return HotlistMatcher(index, clock, places_of(config.cameras), max_ages_of(config), skips)


def open_device_journal(config: EdgeConfig, clock: Clock, stack: ExitStack) -> Journal:
    """Open the journal, in a folder that is made where it is missing.

    Args:
        config: of the device.
        clock: of the journal's records.
        stack: closes the journal.

    Raises:
        StoreError: the folder or the journal cannot be used.
    """
    folder = config.device.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ({error.strerror}); see device.data_dir") from error
    limits = JournalLimits(outbox_rows=config.outbox.max_rows, outbox_bytes=config.outbox.max_bytes)
    return stack.enter_context(closing(open_journal(config.device.journal, limits, clock)))


def open_link(
    config: EdgeConfig,
    clock: Clock,
    vitals: Callable[[], Vitals] = Vitals,
    updates: HotlistUpdates | None = None,
    connect_after_s: float = 0.0,
) -> DeviceLink | None:
    """Build the link to the collector, which connects when it is started; None where there is no collector.

    Args:
        config: of the device.
        clock: of the link's timers.
        vitals: called before each heartbeat.
        updates: take what the collector hands on; None for none.
        connect_after_s: see `DeviceLink`.

    Raises:
        LinkError: a key file cannot be used.
    """
    link = config.link
    if link is None:
        return None
    return DeviceLink(
        config.device.journal,
        link.collector,
        KeyRing(link.key_file, load_public_key(link.server_key), config.device.collector_keys),
        clock=clock,
        heartbeat_s=link.heartbeat_s,
        vitals=vitals,
        hotlists=updates,
        connect_after_s=connect_after_s,
    )


def _note(damage: HotlistDamage, error: BaseException | None) -> None:
    if error is not None:
        damage.note(error)


def _metrics(config: EdgeConfig, stack: ExitStack) -> DeviceMetrics | None:
    if config.metrics is None:
        return None
    metrics = DeviceMetrics(config.device.data_dir)
    stack.enter_context(Exporter(config.metrics.address, config.metrics.port, metrics))
    return metrics
