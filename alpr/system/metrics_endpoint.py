"""Serves figures to Prometheus over HTTP, on a thread and with a registry of its own. Knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from alpr.errors import ConfigError
from alpr.system.printable import printable


class _Asked(Collector):
    def __init__(self, figures: Callable[[], Iterable[Metric]]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for metric in self._figures():
            metric.samples = [_labelled(sample) for sample in metric.samples]
            yield metric

    def describe(self) -> Iterable[Metric]:
        return ()


def _labelled(sample: Sample) -> Sample:
    """A sample whose labels, which devices and lists have named, spoil neither the scrape nor what shows it."""
    return sample._replace(labels={name: printable(value) for name, value in sample.labels.items()})


class Exporter:
    """`http://address:port/metrics` while entered.

    Args:
        figures: asked for each request, on a thread of the exporter.
    """

    def __init__(self, address: str, port: int, figures: Callable[[], Iterable[Metric]]) -> None:
        self._address = address
        self._port = port
        self.registry = CollectorRegistry()
        """Nothing else is in it."""
        self.registry.register(_Asked(figures))

    def __enter__(self) -> Exporter:
        try:
            self._server, self._thread = start_http_server(self._port, self._address, self.registry)
        except OSError as error:
            raise ConfigError(
                f"metrics: cannot listen on {self._address}:{self._port} ({error.strerror}); choose another port"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
