"""What several API processes do to the same accounts at the same time, on a real PostgreSQL."""

import asyncio

from services.api.accounts.backoff import ACCOUNT_WAITS_S, FREE_PER_ACCOUNT_COUNT
from services.api.accounts.ports import Counted
from services.api.accounts.postgres import PostgresAccounts
from tests.contract.accounts.people import NOW, person, rotation, signed_in


async def test_of_twenty_refreshes_at_once_exactly_one_wins(postgres: PostgresAccounts) -> None:
    live = await signed_in(postgres, person("ada"))
    shown = [postgres.rotate(rotation(b"first", b"second %d" % number)) for number in range(20)]
    answers = await asyncio.gather(*shown)
    assert [answer for answer in answers if answer is not None] == [live]
    (winner,) = [number for number, answer in enumerate(answers) if answer is not None]
    assert await postgres.rotate(rotation(b"second %d" % winner, b"third")) == live
    others = [await postgres.rotate(rotation(b"second %d" % n, b"x%d" % n)) for n in range(20) if n != winner]
    assert others == [None] * 19


async def test_of_twenty_attempts_at_once_only_the_free_ones_are_looked_at(postgres: PostgresAccounts) -> None:
    tries = [postgres.attempt(Counted.ACCOUNT, b"ada", NOW, ACCOUNT_WAITS_S) for _ in range(20)]
    answers = await asyncio.gather(*tries)
    assert answers.count(None) == FREE_PER_ACCOUNT_COUNT + 1


async def test_of_two_processes_that_begin_at_once_one_creates_the_first_users(postgres: PostgresAccounts) -> None:
    answers = await asyncio.gather(*(postgres.add_first([person("admin"), person("dev")]) for _ in range(8)))
    assert answers.count(True) == 1
    assert len(await postgres.users(None, None, 10)) == 2


async def test_of_two_passwords_set_for_the_same_proof_one_is_kept(postgres: PostgresAccounts) -> None:
    ada = person("ada")
    await postgres.add_user(ada)
    setting = [
        postgres.set_password(ada.id, f"new {number}", expected=ada.password_hash, must_change=False)
        for number in range(8)
    ]
    assert (await asyncio.gather(*setting)).count(True) == 1
