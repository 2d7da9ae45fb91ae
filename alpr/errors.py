"""Every exception that alpr raises on purpose.

    AlprError
    ├── DecodeError            MessagePack or JSON from outside that cannot be understood
    ├── ConfigError            a configuration file says something that cannot be
    ├── SourceError            a camera, video file or folder
    │   ├── SourceOpenError *    it cannot be opened
    │   └── SourceLost *         it was open and stopped giving frames
    ├── PositionError *        gpsd, or the receiver behind it
    ├── ImageError             a picture file that cannot be decoded
    ├── LabelError             a file of labels that cannot be used; names the line
    ├── ModelError             a model file is missing, altered, of the wrong shape, or wrong on its provider
    ├── HotlistError           a hotlist or a hotlist file
    │   ├── EntryError           one row of it; carries the line number
    │   ├── ShrinkRefused        an import would make a list much smaller
    │   ├── ImportRefused        a file with no good row; carries the error of each
    │   ├── KeyFileError         an administrator's key file, or the list of administrators
    │   └── UpdateRefused        a published update that is not taken; carries the cause
    │       ├── SignatureError     unsigned, altered, or by nobody whom we trust
    │       ├── RollbackError      older than what is held, or the same number with other content
    │       ├── ReplayError        what is held already
    │       ├── ExpiredError       past its time
    │       ├── NotYetValidError   before its time
    │       ├── TruncatedError     a part of it is missing
    │       ├── MalformedError     not an update, or one that says what cannot be
    │       └── WrongBaseError     a delta against something else than what is held
    ├── LinkError              the connection between device and collector
    │   ├── PeerRejected         the other side's key is not on our list, or ours not on theirs
    │   └── MessageError         a message that cannot be understood
    ├── ForwardError *         something that others are told could not be delivered to them now
    │   └── ForwardRefused       … and never will be: they said so
    ├── StoreError             a database file
    │   ├── MigrationError       its schema is not one that we know
    │   ├── StoreDamaged         pages of it cannot be read
    │   │   └── StoreMoved         its files were taken away while it was open
    │   └── StoreUnavailable *   it cannot be written now: nothing was kept, try again
    │       ├── StoreBusy *        another process holds its lock
    │       └── StoreFull *        no room left on the disk, or a stated bound is reached
    ├── StickError             a file of a USB stick
    │   └── StickTorn            it is not whole
    ├── DispositionError       a decision on a hit that the rules do not allow
    ├── AuditError             the record of who looked at what
    ├── AccessDenied           a request without the right or the stated purpose
    └── SignInError            a user or a password of a page that cannot be one

Those marked * are also `TransientError`: a loop may try again. Lower libraries' exceptions are mapped to these
where they enter, with `raise … from`. The text of each says what, where, and what to do about it, in one line.
"""

from __future__ import annotations

from pathlib import Path


class AlprError(Exception):
    """Base of all that alpr raises on purpose."""


class TransientError(AlprError):
    """Mixed into those errors that may pass by themselves: trying again is reasonable."""


class DecodeError(AlprError):
    """MessagePack or JSON from outside that cannot be understood, or says what cannot be."""


class ConfigError(AlprError):
    """One or more mistakes in a configuration, one per line, each with file, line and path."""


class SourceError(AlprError):
    """A frame source failed."""


class SourceOpenError(SourceError, TransientError):
    """A frame source cannot be opened (now).

    Args:
        cause: one word for it, as `CameraFault` has them; "" where it is not told apart.
        is_answering: True where something at its address answers, so that it may soon be there.
    """

    def __init__(self, message: str, cause: str = "", is_answering: bool = False) -> None:
        super().__init__(message)
        self.cause = cause
        self.is_answering = is_answering


class SourceLost(SourceError, TransientError):
    """A live source that was open stopped giving frames."""


class PositionError(TransientError):
    """No position can be had from gpsd now, or it says what cannot be."""


class ImageError(AlprError):
    """A picture file cannot be decoded."""


class LabelError(AlprError):
    """A file of labels cannot be used."""


class ModelError(AlprError):
    """A model file is missing, altered, of the wrong shape, or gives wrong results on its provider."""


class HotlistError(AlprError):
    """A hotlist or a hotlist file cannot be used."""


class EntryError(HotlistError):
    """One row of a hotlist file is wrong.

    Args:
        line: line number in the file, from 1.
        field: the column it is about, or "" for the whole row.
        reason: what is wrong with it.
        cause: the kind of mistake, see `alpr.hotlist.entries.issue_codes`; "" is a bad value of the field.
    """

    def __init__(self, line: int, field: str, reason: str, cause: str = "") -> None:
        super().__init__(f"line {line}{f', {field}' if field else ''}: {reason}")
        self.line = line
        self.field = field
        self.reason = reason
        self.cause = cause or (f"bad-{field.replace('_', '-')}" if field else "bad-row")


class ImportRefused(HotlistError):
    """A hotlist file has no good row, so that nothing was imported.

    Args:
        rejected: the error of each row.
    """

    def __init__(self, message: str, rejected: tuple[EntryError, ...] = ()) -> None:
        super().__init__(message)
        self.rejected = rejected


class KeyFileError(HotlistError):
    """An administrator's key file or the list of administrators cannot be used."""


class UpdateRefused(HotlistError):
    """A published hotlist update is not taken; what is held stays as it was."""

    cause = "refused"
    """One word for counting; each kind has its own."""
    list_set = ""
    """What it is of; "" before its signatures were found good, since anybody can write any name."""


class SignatureError(UpdateRefused):
    """An update is not signed by as many trusted administrators as it takes.

    Args:
        cause: "unsigned", "bad-signature", "unknown-key", "revoked-key" or "too-few-signatures".
    """

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class RollbackError(UpdateRefused):
    """An update is older than what is held, or has its number and other content."""

    cause = "rollback"


class ReplayError(UpdateRefused):
    """An update is held already: nothing to do."""

    cause = "replay"


class ExpiredError(UpdateRefused):
    """An update is past its time."""

    cause = "expired"


class NotYetValidError(UpdateRefused):
    """An update is before its time, or our clock is slow."""

    cause = "not-yet-valid"


class TruncatedError(UpdateRefused):
    """A part of an update is missing."""

    cause = "truncated"


class MalformedError(UpdateRefused):
    """Not an update, or one whose content cannot be."""

    cause = "malformed"


class WrongBaseError(UpdateRefused):
    """A delta against something else than what is held: a snapshot is needed."""

    cause = "wrong-base"


class ShrinkRefused(HotlistError):
    """An import would make a list much smaller, and nobody has said that this is meant."""


class LinkError(AlprError):
    """The connection between device and collector failed."""


class PeerRejected(LinkError):
    """A peer's key is not on the allow-list, or it refused ours."""


class MessageError(LinkError):
    """A message that cannot be decoded or breaks the protocol."""


class ForwardError(TransientError):
    """An event could not be delivered to a webhook or a broker, or its address cannot be used."""


class ForwardRefused(ForwardError):
    """A webhook will never take an event."""


class StoreError(AlprError):
    """A database file cannot be used."""


class MigrationError(StoreError):
    """A database's schema is not one that this version knows."""


class StoreDamaged(StoreError):
    """Pages of a database file are torn or are no database.

    Args:
        path: of the file; None where nobody knows which it is.
    """

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


class StoreMoved(StoreDamaged):
    """The files of a database were deleted, replaced or emptied while it was open."""


class StoreUnavailable(StoreError, TransientError):
    """A database cannot be written now; nothing was kept, nothing may be acknowledged, and trying again is right."""


class StoreBusy(StoreUnavailable):
    """Another process has held a database's lock for too long."""


class StoreFull(StoreUnavailable):
    """No room left on the disk, or a stated bound is reached."""


class StickError(AlprError):
    """A file of a USB stick cannot be used, or none can be written."""


class StickTorn(StickError):
    """A file of a USB stick is not whole: the stick was pulled while it was written, or it was changed since."""


class DispositionError(AlprError):
    """A decision on a hit that the rules do not allow, or on a hit that is not there."""


class AuditError(AlprError):
    """The audit record cannot be written or does not verify."""


class AccessDenied(AlprError):
    """A request without the right or the stated purpose."""


class SignInError(AlprError):
    """A user, a password or the users' file of a page cannot be used."""
