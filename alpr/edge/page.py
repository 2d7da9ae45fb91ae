"""The officer's page of a device: built from the configuration, and told what the run publishes."""

from __future__ import annotations

import importlib.util
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from alpr.config import EdgeConfig
from alpr.config.schema import PageConfig
from alpr.edge.health import DeviceHealth
from alpr.edge.outcomes import AlertedOutcome
from alpr.edge_page.messages import LinkNews, PageSettings, StatusNews
from alpr.edge_page.supervisor import PageSupervisor
from alpr.errors import ConfigError, StoreUnavailable
from alpr.journal.journal import Journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.protocol.heartbeat_messages import ClockHealth
from alpr.system import sensors
from alpr.types import Frame

_log = logging.getLogger(__name__)
_NEEDED = ("starlette", "uvicorn", "jinja2", "argon2")


class DevicePage:
    """The page of a run, over all its configurations; nothing of it where the configuration has none.

    Args:
        config: the first one; its address is bound at once.

    Raises:
        ConfigError: what the page needs is not installed, or the address is taken.
    """

    def __init__(self, config: EdgeConfig) -> None:
        self._block = config.page
        self._listening = listening_for(config) if config.page else None
        self._supervisor: PageSupervisor | None = None

    def follow(self, config: EdgeConfig, health: DeviceHealth, link: DeviceLink | None, journal: Journal) -> None:
        """Tell of these parts from now on; the page's process starts, where there is a page.

        An address that cannot be bound after a reload is an error in the log: the run goes on without a page.

        Args:
            config: in use.
            health: of the device, asked every second.
            link: to the collector.
            journal: tells how much waits in memory.
        """
        if config.page != self._block:
            self.close()
            self._block = config.page
            try:
                self._listening = listening_for(config) if config.page else None
            except ConfigError as error:
                _log.error("%s; there is no page until the next reload", error)
        status = _status_of(config, health, link, journal)
        if self._supervisor is not None:
            self._supervisor.follow(settings_of(config), status)
        elif self._listening is not None:
            self._supervisor = PageSupervisor(settings_of(config), self._listening, status)
            self._supervisor.start()

    def publish(self, outcome: AlertedOutcome) -> None:
        """Hand the hits of an outcome to the page; returns at once.

        Args:
            outcome: with the hits that the people here may learn of.
        """
        if self._supervisor is not None:
            reads = {read.read_id: read for read in outcome.reads}
            for hit, alert in zip(outcome.hits, outcome.told, strict=True):
                self._supervisor.publish(hit, alert.value, reads.get(hit.read_id))

    def see(self, frame: Frame) -> None:
        """Take note of a frame, for who looks at the camera's live picture; returns at once.

        Args:
            frame: the newest of its camera.
        """
        if self._supervisor is not None:
            self._supervisor.see(frame)

    def close(self) -> None:
        """End the page."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.close()
        if self._listening is not None:
            self._listening.close()
            self._listening = None


def _status_of(
    config: EdgeConfig, health: DeviceHealth, link: DeviceLink | None, journal: Journal
) -> Callable[[], StatusNews]:
    cpu = sensors.CpuMeter()
    link_before: LinkNews | None = None

    def status() -> StatusNews:
        nonlocal link_before
        with suppress(StoreUnavailable):  # its depth is read from the journal, which may be locked just now
            link_before = _link_news(link)
        return StatusNews(health.vitals(cpu), config.hotlist is not None, link_before, journal.held)

    return status


def check_page(config: EdgeConfig, *, is_running: bool) -> None:
    """Look whether the page could be served; a configuration without one is in order.

    Args:
        config: of the device.
        is_running: True where a run has the address already.

    Raises:
        ConfigError: what the page needs is not installed, its certificate cannot be used, or the address is taken.
        SignInError: the users' file cannot be used.
    """
    page = config.page
    if page is None:
        return
    _need_packages()
    from alpr.web.users import read_users  # noqa: PLC0415 - an extra: only where there is a page

    _need_certificate(page)
    if not read_users(page.users):
        _log.warning("page: nobody can sign in yet; alpr page user add NAME")
    if not is_running:
        listening_for(config).close()


def _need_packages() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f"page: needs {', '.join(missing)}; pip install 'alpr[page]'")


def _need_certificate(page: PageConfig) -> None:
    if page.certificate is None or page.key is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(page.certificate, page.key, lambda: "")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"page: {page.certificate} and {page.key} cannot be used together ({error}); give PEM files, the key "
            "without a password"
        ) from error


def listening_for(config: EdgeConfig) -> socket.socket:
    """Bind the page's address.

    Args:
        config: of a device with a page.

    Raises:
        ConfigError: what the page needs is not installed, its certificate cannot be used, or the address is taken.
    """
    _need_packages()
    from alpr.web.server import listen  # noqa: PLC0415 - an extra: only where there is a page

    assert config.page is not None  # noqa: S101 - whoever asks has seen to it
    _need_certificate(config.page)
    return listen(config.page.address, config.page.port, "page")


def settings_of(config: EdgeConfig) -> PageSettings:
    """Map a configuration to the page's settings.

    Args:
        config: of a device with a page.
    """
    page, hotlist = config.page, config.hotlist
    assert page is not None  # noqa: S101 - as above
    limits: dict[str, float | None] = {}
    if hotlist is not None:
        limits = {name: hours * 3600 for name, hours in hotlist.max_age_h_by_list.items()}
        limits[""] = None if hotlist.max_age_h is None else hotlist.max_age_h * 3600
    return PageSettings(
        device=config.device.name,
        journal=str(config.device.journal),
        users=str(page.users),
        cameras=tuple(camera.id for camera in config.cameras),
        receivers=tuple(hotlist.receivers) if hotlist else (),
        names=(*page.names, socket.gethostname()),
        session_h=page.session_h,
        certificate=str(page.certificate or ""),
        key=str(page.key or ""),
        never_muted=config.alerts.never_muted,
        list_limits_s=limits,
    )


def _link_news(link: DeviceLink | None) -> LinkNews | None:
    if link is None:
        return None
    status = link.status()
    offset = status.clock
    clock = None if offset is None else ClockHealth(offset.offset_s, offset.uncertainty_s)
    return LinkNews(status.is_connected, sum(status.waiting.values()), status.oldest_age_s, clock)
