"""The spare descriptor, and how many there may be."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from alpr.system.descriptors import Spare, descriptor_limit, raise_descriptor_limit


@pytest.fixture
def limits() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def spare() -> Spare:
    """Holds one."""
    made = Spare()
    made.hold()
    return made


@pytest.fixture
def all_used_up(limits: None, spare: Spare) -> Iterator[None]:  # noqa: ARG001 - in this order
    """No descriptor is left but what a spare holds."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    held: list[int] = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        assert error.errno == errno.EMFILE
    yield
    for descriptor in held:
        os.close(descriptor)


@pytest.mark.usefixtures("all_used_up")
def test_a_file_is_read_again_and_again_though_all_descriptors_are_used_up(
    spare: Spare,
) -> None:
    with pytest.raises(OSError, match="Too many open files"):
        Path(os.devnull).read_bytes()
    for _ in range(3):
        assert spare.use(lambda: Path(os.devnull).read_bytes()) == b""


@pytest.mark.usefixtures("all_used_up")
def test_where_even_the_spare_is_gone_it_says_so() -> None:
    nothing = Spare()
    nothing.hold()
    with pytest.raises(OSError, match="Too many open files"):
        nothing.use(lambda: Path(os.devnull).read_bytes())


def test_another_error_is_not_tried_again(spare: Spare, tmp_path: Path) -> None:
    calls: list[int] = []

    def read() -> bytes:
        calls.append(1)
        return (tmp_path / "none").read_bytes()

    with pytest.raises(FileNotFoundError):
        spare.use(read)
    assert len(calls) == 1


@pytest.mark.usefixtures("limits")
def test_the_limit_is_raised_to_what_may_be() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    assert descriptor_limit() == 256
    assert raise_descriptor_limit() == descriptor_limit() == (16_384 if hard < 0 else min(16_384, hard))
    assert raise_descriptor_limit() == descriptor_limit()
