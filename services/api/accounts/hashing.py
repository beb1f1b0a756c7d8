"""Passwords hashed by Argon2id (RFC 9106), away from the event loop.

Guarantee: no more than `WORKER_COUNT` hashes are computed at a time, so memory stays within that many times
`MEMORY_KIB`, and no more than `WAITING_COUNT_MAX` callers wait, whoever has given up meanwhile. A name that nobody has
costs the same as one that somebody has.
Source: OWASP Password Storage Cheat Sheet (19 MiB, two passes, one lane).
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from services.api.errors import ApiError

MEMORY_KIB = 19 * 1024
PASS_COUNT = 2
LANE_COUNT = 1
SALT_BYTES = 16
HASH_BYTES = 32
WORKER_COUNT = 2
WAITING_COUNT_MAX = 64

_T = TypeVar("_T")


class Argon2Hasher:
    """Implements `Hasher`."""

    def __init__(self, worker_count: int = WORKER_COUNT, waiting_count_max: int = WAITING_COUNT_MAX) -> None:
        self._workers = ThreadPoolExecutor(worker_count, thread_name_prefix="argon2")
        self._waiting_count_max = waiting_count_max
        self._waiting_count = 0
        self._nobodys = hashed(secrets.token_bytes(HASH_BYTES))

    async def hash(self, password: bytes) -> str:
        return await self._away(lambda: hashed(password))

    async def verify(self, password: bytes, hashed: str | None) -> bool:
        matches = await self._away(lambda: is_password(password, hashed or self._nobodys))
        return matches and hashed is not None

    def close(self) -> None:
        """Take no more work."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def _away(self, work: Callable[[], _T]) -> _T:
        if self._waiting_count >= self._waiting_count_max:
            raise ApiError("OVERLOADED")
        self._waiting_count += 1
        loop = asyncio.get_running_loop()
        working = self._workers.submit(work)
        # Counted down when the work is over, not when whoever asked for it has gone.
        working.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        return await asyncio.wrap_future(working)

    def _done(self) -> None:
        self._waiting_count -= 1


def hashed(password: bytes) -> str:
    """A new salted hash, in the PHC string format."""
    salt = secrets.token_bytes(SALT_BYTES)
    kdf = Argon2id(salt=salt, length=HASH_BYTES, iterations=PASS_COUNT, lanes=LANE_COUNT, memory_cost=MEMORY_KIB)
    return kdf.derive_phc_encoded(password)


def is_password(password: bytes, phc: str) -> bool:
    """Whether the hash is the password's; compared in constant time."""
    try:
        Argon2id.verify_phc_encoded(password, phc)
    except InvalidKey:
        return False
    return True
