"""docs/hotlist-updates.md says what the code does."""

from __future__ import annotations

import base64
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from alpr import errors
from alpr.hotlist.updates.container import (
    MAGIC,
    MAX_HEADER_BYTES,
    MAX_SIGNATURES_BYTES,
    SIGNED_PREFIX,
    Header,
    PublishedList,
    read_head,
)
from alpr.hotlist.updates.install import Trust, apply_update
from alpr.hotlist.updates.payload import MAX_BLOCK_BYTES, Block, blocks
from alpr.hotlist.updates.signing import read_admins, sign
from tests.updates import an_admin_key

DOCS = (Path(__file__).parents[3] / "docs" / "hotlist-updates.md").read_text(encoding="utf-8")


def fenced(kind: str) -> str:
    """The last block of a kind."""
    return str(re.findall(rf"```{kind}\n(.*?)```", DOCS, re.DOTALL)[-1])


def table(heading: str) -> dict[str, str]:
    _, _, after = DOCS.partition(f"\n| {heading} |")
    lines = after.split("\n\n")[0].splitlines()[2:]
    assert lines, f"no table {heading}"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1] for row in cells}


def test_the_test_vector(tmp_path: Path) -> None:
    path, admins = tmp_path / "vector.alprhl", tmp_path / "administrators"
    path.write_bytes(base64.b64decode(fenced("base64")))
    admins.write_text("\n".join(re.findall(r"^alice \S{44}$", DOCS, re.MULTILINE)))
    admins.chmod(0o644)
    with path.open("rb") as stream:
        head = read_head(stream)
        found: dict[str, list[dict[str, Any]]] = {}
        for block in blocks(head.header, stream):
            found.setdefault(block.list, []).extend(block.put)
    assert found == json.loads(fenced("json"))
    trust = Trust(read_admins(admins))
    applied = apply_update(tmp_path / "hotlist.sqlite", path, trust, datetime(2026, 1, 20, tzinfo=UTC))
    assert (applied.revision, applied.added, applied.signers) == (7, 2, ("alice",))


def test_the_vectors_key() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from alpr.hotlist.updates.signing import AdminKey

    key = AdminKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    head = read_head(io.BytesIO(base64.b64decode(fenced("base64"))))
    assert head.signatures == (sign(key, SIGNED_PREFIX + head.header_bytes),)
    assert sign(an_admin_key(), b"x").key_id != key.key_id


def test_fields_and_bounds() -> None:
    described = {name for cell in table("field") for name in re.findall(r"`(\w+)`", cell)}
    assert described == set(Header.__struct_fields__)
    lists = re.search(r'array of `(\{"name".*?\})`', DOCS)
    assert lists is not None
    assert re.findall(r'"(\w+)"', lists[1]) == list(PublishedList.__struct_fields__)
    assert set(Block.__struct_fields__) <= set(re.findall(r"`(\w+)`", DOCS))
    assert "at most 256 KiB" in DOCS
    assert (MAX_HEADER_BYTES, MAX_SIGNATURES_BYTES, MAX_BLOCK_BYTES) == (256 << 10, 16 << 10, 8 << 20)
    assert MAGIC == b"ALPRHL1\n"
    assert f"the {len(SIGNED_PREFIX)} bytes `{SIGNED_PREFIX.decode().rstrip(chr(0))}`" in " ".join(DOCS.split())


def test_every_cause_of_refusal() -> None:
    causes = {
        error.cause
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.UpdateRefused) and error is not errors.ReplayError
    }
    signature_causes = set(re.findall(r'"([a-z-]+)"', errors.SignatureError.__doc__ or ""))
    assert {cell.strip("`") for cell in table("cause")} == causes | signature_causes


def test_the_configurations_load() -> None:
    from alpr.config.schema import HotlistConfig, PublishedConfig

    collector, device = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL))
    assert PublishedConfig.model_validate(collector["hotlists"]).check_past
    assert HotlistConfig.model_validate(device["hotlist"]).max_age_h_by_list == {"amber": 2}


def test_the_commands_exist() -> None:
    from alpr.cli.hotlist import command

    words = set(re.findall(r"^alpr hotlist ([a-z]+)", DOCS, re.MULTILINE))
    assert {"publish", "verify", "apply", "key", "import"} <= words <= set(command.commands)
