"""Administrators' keys: their files, and who signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from alpr.errors import KeyFileError, SignatureError
from alpr.hotlist.updates.signing import (
    Admin,
    Signature,
    line_of,
    load_admin_key,
    new_admin_key,
    read_admins,
    sign,
    signers,
    write_admin_key,
)
from tests.updates import ADMINS, ALICE, BOB, an_admin_key

MESSAGE = b"what was said"


def cause_of(message: bytes, signatures: list[Signature], admins: tuple[Admin, ...] = ADMINS, needed: int = 1) -> str:
    with pytest.raises(SignatureError) as refused:
        signers(message, signatures, admins, needed)
    return refused.value.cause


def test_who_signed() -> None:
    assert signers(MESSAGE, [sign(ALICE, MESSAGE)], ADMINS, 1) == ("alice",)
    assert signers(MESSAGE, [sign(BOB, MESSAGE), sign(ALICE, MESSAGE)], ADMINS, 2) == ("alice", "bob")


def test_causes_of_refusal() -> None:
    good, stranger = sign(ALICE, MESSAGE), an_admin_key(9)
    assert cause_of(MESSAGE, []) == "unsigned"
    assert cause_of(b"something else", [good]) == "bad-signature"
    assert cause_of(MESSAGE, [Signature(BOB.key_id, good.value)]) == "bad-signature"
    assert cause_of(MESSAGE, [Signature(ALICE.key_id, b"short")]) == "bad-signature"
    assert cause_of(MESSAGE, [sign(stranger, MESSAGE)]) == "unknown-key"
    assert cause_of(MESSAGE, [good], (Admin("alice", ALICE.public, is_revoked=True),)) == "revoked-key"
    assert cause_of(MESSAGE, [good], needed=2) == "too-few-signatures"


def test_one_person_with_two_keys_is_one_person() -> None:
    second = an_admin_key(3)
    admins = (*ADMINS, Admin("alice", second.public))
    both = [sign(ALICE, MESSAGE), sign(second, MESSAGE)]
    assert cause_of(MESSAGE, both, admins, 2) == "too-few-signatures"
    assert signers(MESSAGE, [*both, sign(BOB, MESSAGE)], admins, 2) == ("alice", "bob")


def test_a_signature_given_twice_counts_once() -> None:
    assert cause_of(MESSAGE, [sign(ALICE, MESSAGE)] * 2, needed=2) == "too-few-signatures"


def test_a_stranger_beside_enough_others_does_not_matter_but_a_wrong_signature_does() -> None:
    signed = [sign(an_admin_key(9), MESSAGE), sign(ALICE, MESSAGE)]
    assert signers(MESSAGE, signed, ADMINS, 1) == ("alice",)
    assert cause_of(MESSAGE, [*signed, sign(BOB, b"something else")]) == "bad-signature"


@pytest.mark.parametrize("needed", [0, -1])
def test_nobody_needed_still_means_one(needed: int) -> None:
    assert cause_of(MESSAGE, [sign(an_admin_key(9), MESSAGE)], needed=needed) == "unknown-key"


@pytest.mark.parametrize("passphrase", ["", "correct horse battery"])
def test_a_key_file_gives_the_key_again(tmp_path: Path, passphrase: str) -> None:
    key = new_admin_key()
    private, public = write_admin_key(key, "alice", tmp_path / "keys", passphrase)
    assert private.stat().st_mode & 0o777 == 0o600
    assert (b"ENCRYPTED" in private.read_bytes()) == bool(passphrase)
    assert load_admin_key(private, lambda: passphrase).public == key.public
    assert read_admins(public) == (Admin("alice", key.public),)
    with pytest.raises(KeyFileError, match="there already"):
        write_admin_key(key, "alice", tmp_path / "keys", passphrase)


def test_a_wrong_or_missing_or_short_passphrase(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="10 or more"):
        write_admin_key(ALICE, "alice", tmp_path, "short")
    private, _ = write_admin_key(ALICE, "alice", tmp_path, "correct horse battery")
    with pytest.raises(KeyFileError, match="passphrase is wrong: try again"):
        load_admin_key(private, lambda: "wrong horse battery")
    with pytest.raises(KeyFileError, match="nobody is there to ask: give --passphrase-file"):
        load_admin_key(private)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_private_key_that_others_can_get_at_is_refused(tmp_path: Path, mode: int) -> None:
    private, _ = write_admin_key(ALICE, "alice", tmp_path)
    private.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_admin_key(private)


def test_what_is_no_key_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "some.key"
    with pytest.raises(KeyFileError, match="cannot read the key"):
        load_admin_key(path)
    path.touch(0o600)
    with pytest.raises(KeyFileError, match="not a private key"):
        load_admin_key(path)
    other = generate_private_key(SECP256R1())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(other.private_bytes(encoding, form, serialization.NoEncryption()))
    with pytest.raises(KeyFileError, match="not an Ed25519 key"):
        load_admin_key(path)


@pytest.mark.parametrize("name", ["", "../alice", "a b", "-x", "x" * 65])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyFileError, match="a name is"):
        write_admin_key(ALICE, name, tmp_path)


def test_a_list_of_administrators(tmp_path: Path) -> None:
    path = tmp_path / "admins"
    revoked = Admin("carol", an_admin_key(3).public, is_revoked=True)
    path.write_text("# who may publish\n\n" + "\n".join(map(line_of, (*ADMINS, revoked))) + "\n")
    path.chmod(0o644)
    assert read_admins(path) == (*ADMINS, revoked)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# nobody\n", "names no administrator"),
        ("alice\n", ":1: should be NAME KEY"),
        ("alice AAAA\n", ":1: should be NAME KEY"),
        (f"{line_of(ADMINS[0])} perhaps\n", ":1: should be NAME KEY"),
        (f"{line_of(ADMINS[0])}\n{line_of(ADMINS[0])} revoked\n", ":2: this key stands there twice"),
    ],
)
def test_a_list_of_administrators_with_a_mistake_trusts_nobody(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "admins"
    path.write_text(text)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match=complaint):
        read_admins(path)


def test_a_list_of_administrators_that_others_may_write_or_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "admins"
    with pytest.raises(KeyFileError, match="cannot read"):
        read_admins(path)
    path.write_text(line_of(ADMINS[0]))
    path.chmod(0o666)
    with pytest.raises(KeyFileError, match="chmod go-w"):
        read_admins(path)


def test_a_list_of_administrators_that_is_too_long_is_not_cut(tmp_path: Path) -> None:
    """What lies beyond the bound may revoke what lies before it."""
    path = tmp_path / "admins"
    path.write_text(f"{line_of(Admin('ann', new_admin_key().public))}\n" + "# filler\n" * 8000)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="has more than 65536 bytes"):
        read_admins(path)
