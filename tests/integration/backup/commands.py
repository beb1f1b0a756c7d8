"""The commands of a process of their own, with a key."""

import asyncio
import base64
import json
import os
import sys
from typing import Any

DEADLINE_S = 120.0
KEY = base64.b64encode(bytes(range(200, 232))).decode()
_SET_BY_TESTS = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "HOROLOG_HOME", "HOROLOG_BACKUP_KEY")


async def horolog(*words: str, **environment: str) -> tuple[int, Any]:
    """The exit code of a command, and its JSON; the key never shows."""
    kept = {name: value for name, value in os.environ.items() if name not in _SET_BY_TESTS}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "horolog.cli", *words, "--json",
        env={**kept, "HOROLOG_BACKUP_KEY": KEY, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    assert KEY.encode() not in out + err
    assert process.returncode is not None
    return process.returncode, json.loads((out or err).decode().splitlines()[-1])
