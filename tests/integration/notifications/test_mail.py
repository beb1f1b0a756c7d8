"""Mails go through a real server, in a session that is safe, and no name of a job adds a header or a recipient."""

import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.policy import default
from pathlib import Path

import pytest

from horolog.adapters.notifications.smtp import MailChannel
from horolog.domain.notifications.attempts import Attempted
from horolog.domain.notifications.mail import MailServer, Security
from horolog.domain.notifications.messages import trial_document_of
from horolog.domain.notifications.rules import ChannelType, Target
from horolog.domain.notifications.wire import Letter
from horolog.runtime.tls import TlsFiles, client_context, server_context
from tests.integration.notifications.receiving import MailBox
from tests.integration.tls.certificates import authority
from tests.unit.api.world import HandClock
from tests.unit.notifications.telling import at, rule

ADA, BOB = "ada@example.com", "bob@example.com"
ID = "8c9e5b1f-7d24-5e63-9a8b-1f2e3d4c5b6a"


@asynccontextmanager
async def sending(
    box: MailBox, files: TlsFiles | None = None, security: Security = Security.NONE, username: str = ""
) -> AsyncIterator[MailChannel]:
    """A channel through the server."""
    context = ssl.create_default_context() if files is None else client_context(TlsFiles(files.authorities), "X")
    server = MailServer("127.0.0.1", box.port, "horolog@example.com", security, username, "hush-9f2c7a")
    channel = MailChannel(server, context, HandClock())
    yield channel
    channel.close()


def letter(*recipients: str, name: str = "everything") -> Letter:
    return Letter(ID, ChannelType.EMAIL, trial_document_of(rule(name=name), at(0)), Target(recipients=recipients))


async def test_mail_arrives_with_its_title_as_subject_and_the_deliverys_id() -> None:
    async with MailBox() as box, sending(box) as channel:
        assert await channel.send(letter(ADA, BOB)) == Attempted()
    ((recipients, text),) = box.mails
    mail = email.message_from_string(text, policy=default)
    assert recipients == [ADA, BOB]
    assert (mail["Subject"], mail["To"]) == ("Test of the rule everything", f"{ADA}, {BOB}")
    assert (mail["Message-ID"], mail["From"]) == (f"<{ID}@example.com>", "horolog@example.com")
    assert mail.get_content().startswith("Test of the rule everything")


@pytest.mark.parametrize(
    "name", ["a\r\nBcc: evil@example.com", "a\nX: y", "a\x00b", "a\r\n\r\n.\r\nMAIL FROM:<x>", "Ümläut"]
)
async def test_no_name_adds_a_header_or_a_recipient(name: str) -> None:
    async with MailBox() as box, sending(box) as channel:
        assert await channel.send(letter(ADA, name=name)) == Attempted()
    ((recipients, text),) = box.mails
    mail = email.message_from_string(text, policy=default)
    known = {"Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
    assert recipients == [ADA]
    assert {header for header in mail if not header.startswith("Content-")} == known


async def test_nothing_is_sent_before_tls_stands(tmp_path: Path) -> None:
    files = authority(tmp_path).issue("mail")
    context = server_context(TlsFiles(certificate=files.certificate, key=files.key), "X")
    async with (
        MailBox(tls=context) as box,
        sending(box, files, Security.STARTTLS, "horolog") as safe,
        sending(box, files, Security.NONE) as open_,
    ):
        assert await safe.send(letter(ADA)) == Attempted()
        assert len(box.logins) == 1
        assert (await open_.send(letter(ADA))).failure == "SMTP_530"
    assert len(box.mails) == 1


async def test_server_that_is_not_who_it_says_gets_neither_mail_nor_password(tmp_path: Path) -> None:
    files, other = authority(tmp_path).issue("mail"), authority(tmp_path, "other").issue("elsewhere")
    context = server_context(TlsFiles(certificate=files.certificate, key=files.key), "X")
    async with MailBox(tls=context) as box, sending(box, other, Security.STARTTLS, "horolog") as channel:
        assert await channel.send(letter(ADA)) == Attempted("CONNECTION_LOST")
    assert (box.mails, box.logins) == ([], [])


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        ("450 later", Attempted("SMTP_450", 450)),
        ("550 nobody", Attempted("SMTP_550", 550, is_final=True)),
    ],
)
async def test_refusal_for_now_is_told_from_one_for_good(refusal: str, expected: Attempted) -> None:
    async with MailBox(refusals={ADA: refusal}) as box, sending(box) as channel:
        assert await channel.send(letter(ADA)) == expected


async def test_mail_that_some_have_got_is_not_sent_again() -> None:
    async with MailBox(refusals={BOB: "450 later"}) as box, sending(box) as channel:
        assert await channel.send(letter(ADA, BOB)) == Attempted("RECIPIENT_REFUSED", is_final=True)
    assert [recipients for recipients, _ in box.mails] == [[ADA]]


async def test_server_that_is_away_is_tried_again() -> None:
    async with MailBox() as box:
        pass
    async with sending(box) as channel:
        assert await channel.send(letter(ADA)) == Attempted("CONNECTION_LOST")
