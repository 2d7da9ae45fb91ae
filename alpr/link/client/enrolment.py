"""The device's side of being let in: makes its key here, proves its claim code, and waits to be known.

The private key is written before anything is said, so that a device that is cut off in between comes back with the
same key, which the collector takes as the same claim.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alpr import __version__
from alpr.clock import Clock, SystemClock
from alpr.errors import LinkError, PeerRejected
from alpr.link.client.dealer_socket import DealerSocket, Transition
from alpr.link.keys.claim_code import ClaimCode
from alpr.link.keys.curve_keys import KeyPair, is_name, load_key_pair, new_key_pair, write_private_key
from alpr.link.keys.keyring import FixedKeys
from alpr.link.protocol.enrolment_messages import Claim, Claimed, ClaimRefused
from alpr.link.protocol.messages import FromCollector, FromDevice, decode_from_collector, encode
from alpr.system.locked_file import read_text

PATIENCE_S = 30.0
_KEY_FILE, _LINK_FILE = "device.key", "link.yaml"
_NAMED = re.compile(r"# (\S+), enrolled with a claim code")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A device that is known to its collector now."""

    name: str
    """By which it is known there."""
    public_key: str
    key_file: Path
    link_file: Path
    """The `link:` block for its configuration."""


def enrol_with_code(
    code: ClaimCode, folder: Path, *, clock: Clock | None = None, patience_s: float = PATIENCE_S
) -> Enrolment:
    """Make the device's key in a folder and have it put on the collector's list.

    Args:
        folder: made where missing, for the owner only; gets `device.key` and `link.yaml`.

    Raises:
        PeerRejected: the code is wrong, used, expired or revoked, or who answers is not the collector that made it.
        LinkError: nothing answers, there is a key already, or a file cannot be written.
    """
    clock = clock or SystemClock()
    key_file, pending = folder / _KEY_FILE, folder / "enrolling.key"
    if key_file.exists():
        raise LinkError(f"{key_file}: this device has a key already; remove it, or choose another folder")
    keys = load_key_pair(pending) if pending.exists() else _new_pending(pending)
    name = _known_name(code, keys, folder, clock, patience_s)
    if not name:
        name = claim(code, keys.public, clock, patience_s)
        _write_link(code, name, folder)
        with connected(code.endpoint, keys, code.server_key, clock, patience_s):
            pass  # the collector knows the new key
    try:
        pending.rename(key_file)
    except OSError as error:
        raise LinkError(f"{key_file}: cannot write ({error.strerror}); run it again with the same code") from error
    return Enrolment(name, keys.public, key_file, folder / _LINK_FILE)


def claim(code: ClaimCode, public_key: str, clock: Clock, patience_s: float = PATIENCE_S) -> str:
    """Have a public key put on the allow-list; return the device's name there.

    Args:
        code: the claim code.
        public_key: the device's, in Z85.
        clock: of the time-outs.
        patience_s: the longest wait for an answer.

    Raises:
        PeerRejected: the code is wrong, used, expired or revoked, or the collector is another.
        LinkError: nothing answers.
    """
    try:
        with connected(code.endpoint, code.keys, code.server_key, clock, patience_s) as ask:
            answer = ask(Claim(public_key, f"alpr {__version__}"))
    except PeerRejected as error:
        raise PeerRejected(
            f"{error}; this claim code is wrong, was used already, has expired or was revoked: ask for a new one. "
            "Where it was used, and not by you, somebody else is that device now: have its name revoked there"
        ) from error
    if isinstance(answer, ClaimRefused):
        raise PeerRejected(f"{code.endpoint}: the collector refuses the claim: {answer.reason}")
    if not isinstance(answer, Claimed):
        raise LinkError(f"{code.endpoint}: an answer that is none to a claim; is its alpr older than this one?")
    if not is_name(answer.name):  # it is written into a file of the configuration's language
        raise LinkError(f"{code.endpoint}: the collector gives a name that no device has: {answer.name!r:.100}")
    return answer.name


@contextmanager
def connected(
    endpoint: str, keys: KeyPair, server_key: str, clock: Clock, patience_s: float = PATIENCE_S
) -> Iterator[Callable[[FromDevice], FromCollector]]:
    """Connect for a single question; yield a function that asks it and waits for the answer.

    Args:
        endpoint: of the collector.
        keys: of this side.
        server_key: the collector's, in Z85.
        clock: of the time-outs.
        patience_s: the longest wait for an answer.

    Raises:
        PeerRejected: the collector does not allow the key, or is another than expected.
        LinkError: nothing answers.
    """
    deadline_s = clock.monotonic_ns() / 1e9 + patience_s

    def wait(dealer: DealerSocket, question: FromDevice | None) -> FromCollector | None:
        problem, strange = "nothing answers there", 0
        while clock.monotonic_ns() / 1e9 < deadline_s:
            news = dealer.poll(0.05)
            for message in news.messages:
                return decode_from_collector(message)
            for change, reason in news.changes:
                if change is Transition.UP and question is None:
                    return None
                if change is Transition.UP and question is not None:
                    dealer.send(encode(question))  # the connection broke in between: asking twice changes nothing
                strange += change is Transition.WRONG_KEY
                if change is Transition.REFUSED or strange > 1:  # once, the handshake may have been cut off by chance
                    raise PeerRejected(reason)
                problem = reason
        raise LinkError(f"{endpoint}: gave up after {patience_s:g} s: {problem}")

    def ask(question: FromDevice) -> FromCollector:
        dealer.send(encode(question))
        answer = wait(dealer, question)
        assert answer is not None  # noqa: S101 - only being connected is answered by None
        return answer

    with DealerSocket(endpoint, FixedKeys(keys, server_key), clock) as dealer:
        wait(dealer, None)
        yield ask


def _new_pending(pending: Path) -> KeyPair:
    try:
        pending.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LinkError(f"{pending.parent}: cannot make the folder for keys ({error.strerror})") from error
    keys = new_key_pair()
    write_private_key(keys, "a device that enrols", pending)
    return keys


def _known_name(code: ClaimCode, keys: KeyPair, folder: Path, clock: Clock, patience_s: float) -> str:
    """The name that an attempt which was cut off has won already; "" where it has not."""
    link_file = folder / _LINK_FILE
    found = _NAMED.match(read_text(link_file, "the device's name")) if link_file.exists() else None
    if found is None:
        return ""
    try:
        with connected(code.endpoint, keys, code.server_key, clock, patience_s):
            return found[1]
    except PeerRejected:
        return ""  # an older attempt's


def _write_link(code: ClaimCode, name: str, folder: Path) -> None:
    link_file, key_file = folder / _LINK_FILE, folder / _KEY_FILE
    snippet = (
        f"# {name}, enrolled with a claim code; for the device's configuration\n"
        f"link:\n  collector: {code.endpoint}\n  server_key: '{code.server_key}'\n  key_file: {key_file.absolute()}\n"
    )
    try:
        link_file.write_text(snippet, "utf-8")
    except OSError as error:
        raise LinkError(f"{link_file}: cannot write ({error.strerror}); run it again with the same code") from error
