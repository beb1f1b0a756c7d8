"""Messages by e-mail, through the operator's server.

Guarantee: a header holds one line, whatever a tenant wrote, and recipients go to the server as they are or not at all.
A mail is repeated under the same Message-ID. Where the operator says so (`Security`), nothing is sent, and no password
shown, before TLS stands and the server's name is proved.
Sources: RFC 5321 (SMTP); RFC 3207 (STARTTLS); RFC 8314, section 3.3 (implicit TLS); RFC 5322, section 3.6.4.
"""

import asyncio
import json
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from horolog.domain.notifications.attempts import Attempted
from horolog.domain.notifications.mail import MailServer, Security
from horolog.domain.notifications.messages import one_line, text_of, title_of
from horolog.domain.notifications.wire import Letter
from horolog.ports import Clock

SMTP_S_MAX = 10.0
SMTP_COUNT_MAX = 8
"""How many mails are under way at a time; a server that hangs holds up mail only."""


class MailChannel:
    """Sends mails in threads of its own."""

    def __init__(self, server: MailServer, context: ssl.SSLContext, clock: Clock) -> None:
        self._server = server
        self._context = context
        self._clock = clock
        self._threads = ThreadPoolExecutor(SMTP_COUNT_MAX, thread_name_prefix="smtp")

    async def send(self, letter: Letter) -> Attempted:
        """Send it, once, to all recipients."""
        try:
            mail = self._mail(letter)
        except ValueError:
            return Attempted("REQUEST_INVALID", is_final=True)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._sent, mail, letter.target.recipients)

    def close(self) -> None:
        """End the threads, without waiting for servers that hang."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _mail(self, letter: Letter) -> EmailMessage:
        """The mail. The policy refuses a header with a line end in it; nothing that gets here has one."""
        document = json.loads(letter.document)
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = title_of(document)[:200]
        mail["From"] = self._server.sender
        mail["To"] = ", ".join(map(one_line, letter.target.recipients))
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = f"<{letter.id}@{self._server.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text_of(document))
        return mail

    def _sent(self, mail: EmailMessage, recipients: tuple[str, ...]) -> Attempted:
        try:
            with self._connected() as server:
                refused = server.send_message(mail, self._server.sender, list(recipients))
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError):
            # The operator's affair; it may be put right.
            return Attempted("MAIL_SERVER_REFUSES_US")
        except smtplib.SMTPRecipientsRefused as error:
            return _refusal(max((code for code, _ in error.recipients.values()), default=550))
        except smtplib.SMTPResponseException as error:
            return _refusal(error.smtp_code)
        except (smtplib.SMTPException, OSError, ValueError):
            return Attempted("CONNECTION_LOST")
        # Some have it: sent again, they would have it twice.
        return Attempted("RECIPIENT_REFUSED", is_final=True) if refused else Attempted()

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        if server.security is Security.TLS:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=SMTP_S_MAX, context=self._context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=SMTP_S_MAX)
        try:
            if server.security is Security.STARTTLS:
                connection.starttls(context=self._context)
            if server.username:
                connection.login(server.username, server.password)
        except BaseException:
            connection.close()
            raise
        return connection


def _refusal(code: int) -> Attempted:
    """4xx may go well later, 5xx will not (RFC 5321, section 4.2.1)."""
    return Attempted(f"SMTP_{code}", code, is_final=code >= 500)
