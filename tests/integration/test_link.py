"""Device and collector on loopback, over CURVE."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from alpr.link.messages import HitRecord, ReadRecord
from tests.integration.link_world import World, wait_until
from tests.records import a_hit, a_read


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_read_and_its_hit_arrive_and_leave_the_outbox(world: World) -> None:
    read = a_read()
    with world.collector() as collector, closing(world.journal()) as journal, world.link() as link:
        journal.append([read], [a_hit(read)])
        wait_until(lambda: sum(link.status().waiting.values()) == 0)
        status = link.status()
    assert status.is_connected
    assert status.acked == 4  # hit, read, two pictures
    assert status.last_ack_at is not None
    kinds = [type(stored.record) for stored in collector.told]
    assert kinds[0] is HitRecord
    assert kinds[1] is ReadRecord
    assert [world.count(table) for table in ("reads", "hits", "pictures")] == [1, 1, 2]
