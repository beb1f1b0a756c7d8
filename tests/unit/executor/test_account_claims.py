"""Executors of one machine share out the accounts for programs, and no two have the same one."""

import subprocess
import sys
from pathlib import Path

import pytest

from horolog.adapters.account_claims import NoAccountsFree, claim_accounts

ACCOUNTS = range(200_000, 200_010)
_HOLDER = """
import sys
from pathlib import Path
from horolog.adapters.account_claims import claim_accounts
claim = claim_accounts(range(200_000, 200_010), 6, Path(sys.argv[1]))
print(claim.accounts.start, flush=True)
sys.stdin.read()
"""


def test_each_gets_accounts_of_its_own_until_none_are_left(tmp_path: Path) -> None:
    claims = [claim_accounts(ACCOUNTS, 4, tmp_path) for _ in range(2)]
    assert [claim.accounts for claim in claims] == [range(200_000, 200_004), range(200_004, 200_008)]
    with pytest.raises(NoAccountsFree, match="no 4 accounts in a row of 200000-200009 are free"):
        claim_accounts(ACCOUNTS, 4, tmp_path)
    assert claim_accounts(ACCOUNTS, 2, tmp_path).accounts == range(200_008, 200_010)


def test_what_was_given_up_is_free_for_the_next(tmp_path: Path) -> None:
    first, second = (claim_accounts(ACCOUNTS, 5, tmp_path) for _ in range(2))
    first.close()
    first.close()
    assert claim_accounts(ACCOUNTS, 5, tmp_path).accounts == range(200_000, 200_005)
    second.close()


def test_ranges_that_overlap_are_shared_out_as_well(tmp_path: Path) -> None:
    claim_accounts(range(200_004, 200_006), 2, tmp_path)
    assert claim_accounts(ACCOUNTS, 4, tmp_path).accounts == range(200_000, 200_004)
    assert claim_accounts(ACCOUNTS, 4, tmp_path).accounts == range(200_006, 200_010)


def test_accounts_of_another_process_are_free_once_it_was_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "200000\n"
    with pytest.raises(NoAccountsFree):
        claim_accounts(ACCOUNTS, 6, tmp_path)
    holder.kill()
    holder.communicate()
    assert claim_accounts(ACCOUNTS, 6, tmp_path).accounts == range(200_000, 200_006)


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        claim_accounts(ACCOUNTS, 1, tmp_path / "file")
