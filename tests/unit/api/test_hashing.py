"""Passwords are hashed by Argon2id, slowly, apart, and only so many at a time."""

import asyncio

import pytest

from services.api.accounts.hashing import Argon2Hasher, hashed, is_password
from services.api.errors import ApiError


async def test_a_hash_names_its_parameters_and_is_the_passwords_alone() -> None:
    hasher = Argon2Hasher()
    first, second = await hasher.hash(b"secret"), await hasher.hash(b"secret")
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert await hasher.verify(b"secret", first)
    assert not await hasher.verify(b"Secret", first)
    assert not await hasher.verify(b"secret", None)
    hasher.close()


@pytest.mark.parametrize("phc", ["", "x", "$argon2id$v=19$m=19456,t=2,p=1$", "$2b$12$abcdefghijklmnopqrstuv"])
def test_what_is_no_hash_is_nobodys_password(phc: str) -> None:
    assert not is_password(b"secret", phc)
    assert is_password(b"secret", hashed(b"secret"))


async def test_nobodys_password_is_hashed_like_anybodys() -> None:
    asked: list[str] = []

    class Watched(Argon2Hasher):
        """Tells what it compares with."""

        async def verify(self, password: bytes, hashed: str | None) -> bool:
            asked.append(hashed or self._nobodys)
            return await super().verify(password, hashed)

    hasher = Watched()
    known = await hasher.hash(b"secret")
    await hasher.verify(b"secret", known)
    await hasher.verify(b"secret", None)
    assert {phc.rsplit("$", 2)[0] for phc in asked} == {"$argon2id$v=19$m=19456,t=2,p=1"}
    hasher.close()


async def test_only_so_many_wait_and_whoever_gives_up_still_counts_until_its_hash_is_done() -> None:
    hasher = Argon2Hasher(worker_count=1, waiting_count_max=2)
    waiting = [asyncio.create_task(hasher.hash(b"secret")) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    with pytest.raises(ApiError) as refused:
        await hasher.hash(b"secret")
    assert refused.value.code == "OVERLOADED"
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await hasher.hash(b"secret")
    hasher.close()
