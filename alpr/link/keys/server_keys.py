"""The collector's own key pair in its file, and the next one beside it (`NAME.key.next`) while it is being told."""

from __future__ import annotations

import logging
from pathlib import Path

from alpr.errors import LinkError
from alpr.link.keys.curve_keys import KeyPair, load_key_pair, new_key_pair, show_public, write_private_key
from alpr.system.locked_file import stamp, take_place

_log = logging.getLogger(__name__)


class ServerKeys:
    """Kept current by `refresh`.

    Args:
        key_file: the collector's own.

    Raises:
        LinkError: a key file cannot be used.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._stamps = self._look()
        self.present = load_key_pair(key_file)
        self.following = next_key(key_file)

    def refresh(self) -> bool:
        """Look at the files again; True where the present key is another one now."""
        try:
            found = self._look()
            if found == self._stamps:
                return False
            present, following = load_key_pair(self._key_file), next_key(self._key_file)
        except LinkError as error:
            _log.error("%s; going on with the key as it was", error)
            return False
        self._stamps = found
        is_new, self.present, self.following = present != self.present, present, following
        return is_new

    def _look(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        following = next_path(self._key_file)
        return stamp(self._key_file, "the collector's key"), stamp(following, "") if following.exists() else ()


def next_path(key_file: Path) -> Path:
    """Return the path of the key that will be used next.

    Args:
        key_file: of the present key.
    """
    return key_file.with_name(f"{key_file.name}.next")


def next_key(key_file: Path) -> KeyPair | None:
    """Read the key that will be used next; None where none is prepared.

    Args:
        key_file: of the present key.

    Raises:
        LinkError: it is no key file, or others may read it.
    """
    path = next_path(key_file)
    return load_key_pair(path) if path.exists() else None


def prepare_next(key_file: Path) -> KeyPair:
    """Make the key that will be used next, where there is none; a running collector tells its devices.

    Args:
        key_file: of the present key.

    Raises:
        LinkError: it cannot be written.
    """
    load_key_pair(key_file)
    found = next_key(key_file)
    if found is None:
        found = new_key_pair()
        write_private_key(found, "the collector, to be used next", next_path(key_file))
    return found


def change_over(key_file: Path) -> KeyPair:
    """Put the next key in the present one's place; a running collector uses it within a second.

    Args:
        key_file: of the present key.

    Raises:
        LinkError: there is no next key, or the file cannot be replaced.
    """
    following = next_key(key_file)
    if following is None:
        raise LinkError(f"{next_path(key_file)}: no next key is prepared; first: alpr key rotate -c collector.yaml")
    try:
        show_public(key_file, following.public)
        take_place(next_path(key_file), key_file)
    except OSError as error:
        raise LinkError(f"{key_file}: cannot be replaced ({error.strerror})") from error
    return following
