"""Secrets on their way through real programs and functions: given to them, and kept out of what is reported."""

import base64
import hmac

import pytest

from horolog.domain.sensitive import MASK, Slot
from horolog.limits import OUTPUT_BYTES_MAX
from horolog.vault.places import job_place
from schemas.jobs import CommandConfig, ErrorType, FunctionConfig, HttpConfig
from services.executor.opening import Opener, OpeningRunner
from services.executor.runners.command import CommandRunner
from services.executor.runners.function import FunctionRunner
from services.executor.runners.http import HttpRunner
from tests.contract.vault.memory import MemoryVault
from tests.integration.executor.test_http import serving
from tests.integration.executor.watching import (
    EXECUTION_ID,
    INSTANT,
    JOB_ID,
    TENANT_ID,
    failure_of,
    field_of,
    outcome_of,
)

HUSH = "hush-9f2c7a-correct-horse"


async def command(vault: MemoryVault, *program: str) -> CommandConfig:
    """A program with the secret, encrypted, in its environment."""
    sealed = (await vault.sealing_key(TENANT_ID)).seal(HUSH, job_place(TENANT_ID, JOB_ID, Slot("environment", "HUSH")))
    return CommandConfig(command="/bin/sh", args=("-c", *program), environment={"HUSH": sealed})


async def test_program_gets_the_secret_and_its_output_does_not_show_it(commands: CommandRunner) -> None:
    vault = MemoryVault()
    runner = OpeningRunner(commands, Opener(vault, vault))
    outcome = await outcome_of(
        runner, await command(vault, 'printf %s "$HUSH" | wc -c; echo "$HUSH"; echo "$HUSH" >&2')
    )
    stdout, stderr = (str(field_of(outcome.result, name)) for name in ("stdout", "stderr"))
    assert stdout.split() == [str(len(HUSH)), MASK]
    assert stderr == f"{MASK}\n"


@pytest.mark.parametrize("kept", [4, 9, len(HUSH) - 1])
async def test_secret_across_the_border_of_what_is_kept_is_not_shown(commands: CommandRunner, kept: int) -> None:
    vault = MemoryVault()
    runner = OpeningRunner(commands, Opener(vault, vault))
    program = f'head -c {OUTPUT_BYTES_MAX - kept} /dev/zero | tr "\\0" x; printf %s "$HUSH"'
    outcome = await outcome_of(runner, await command(vault, program))
    stdout = str(field_of(outcome.result, "stdout"))
    assert stdout.strip("x") == MASK
    assert outcome.metadata == {"stdoutTruncated": True}


async def test_secret_that_is_written_in_pieces_is_not_shown(commands: CommandRunner) -> None:
    vault = MemoryVault()
    runner = OpeningRunner(commands, Opener(vault, vault))
    pieces = "; ".join(f'printf %s "$(echo "$HUSH" | cut -c{at})"' for at in range(1, len(HUSH) + 1))
    outcome = await outcome_of(runner, await command(vault, pieces))
    assert field_of(outcome.result, "stdout") == MASK


async def test_function_gets_the_secret_and_its_failure_does_not_show_it(functions: FunctionRunner) -> None:
    vault = MemoryVault()
    await vault.put_secret(TENANT_ID, "one", HUSH, INSTANT)
    runner = OpeningRunner(functions, Opener(vault, vault))
    config = FunctionConfig(module_path="base64", function_name="b64encode", parameters={"s": "secret://one"})
    found = failure_of(await outcome_of(runner, config))
    assert found.type is ErrorType.USER_ERROR
    assert HUSH not in str(found)
    unknown = FunctionConfig(module_path="builtins", function_name="int", parameters={"x": "secret://one"})
    assert HUSH not in str(await outcome_of(runner, unknown))


async def test_request_is_signed_with_the_secret_and_does_not_carry_it(requests: HttpRunner) -> None:
    vault = MemoryVault()
    await vault.put_secret(TENANT_ID, "one", HUSH, INSTANT)
    runner = OpeningRunner(requests, Opener(vault, vault))
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        config = HttpConfig(url=server.url, method="POST", body={"a": 1}, sign_with="secret://one")
        assert (await outcome_of(runner, config)).failure is None
    head, _, body = server.request.partition(b"\r\n\r\n")
    sent = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:])
    content = f"{EXECUTION_ID}.{sent['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(HUSH.encode(), content, "sha256")).decode()
    assert sent["webhook-id"] == EXECUTION_ID
    assert sent["webhook-signature"] == f"v1,{expected}".lower()
    assert HUSH.encode() not in server.request
