"""A device's link alone, until it is killed: delivers what others append to its journal.

python -m tests.integration.programs.linked JOURNAL ENDPOINT KEY_FILE SERVER_KEY MEMORY
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.keyring import KeyRing


def main() -> None:
    journal, endpoint, key_file, server_key, memory = sys.argv[1:]
    link = DeviceLink(Path(journal), endpoint, KeyRing(Path(key_file), server_key, Path(memory)), heartbeat_s=0.2)
    link.start()
    while link.failure is None:
        time.sleep(0.1)
    raise link.failure


if __name__ == "__main__":
    main()
