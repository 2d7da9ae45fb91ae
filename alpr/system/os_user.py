"""The user who runs this process: whom records name, where nobody signs in."""

from __future__ import annotations

import os
import pwd
from pathlib import Path


def os_user() -> str:
    """Return the user who runs this process, as the system knows them, with the name they logged in under where it
    differs.
    """
    name = _name(os.getuid())
    try:
        login_id = int(Path("/proc/self/loginuid").read_text("ascii"))
    except (OSError, ValueError):
        return name
    is_set = login_id != 2**32 - 1
    return f"{name} (logged in as {_name(login_id)})" if is_set and login_id != os.getuid() else name


def _name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"uid {user_id}"
