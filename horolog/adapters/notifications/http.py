"""Messages by HTTP: one POST each, no redirects, no cookies, no proxies from the environment.

Guarantee: the transport decides where a request may go, and is made anew for each: no connection of one tenant is used
for another. Of an answer at most `ANSWER_BYTES_MAX` are read, and only where they say whether it has arrived.
"""

from collections.abc import Callable, Sequence

import httpx

from horolog.domain.addresses import DestinationForbidden
from horolog.domain.notifications.attempts import Attempted
from horolog.domain.notifications.rules import Target
from horolog.domain.notifications.wire import ANSWER_BYTES_MAX, Letter, Render, Request, judged
from horolog.ports import Clock

Transport = Callable[[Sequence[str]], httpx.AsyncBaseTransport]
"""A transport to public addresses, and to these networks."""


class HttpChannel:
    """Sends what `render` makes of a letter. With a `target`, all letters go there: it is the operator's."""

    def __init__(self, render: Render, transport: Transport, clock: Clock, target: Target | None = None) -> None:
        self._render = render
        self._transport = transport
        self._clock = clock
        self._target = target

    async def send(self, letter: Letter) -> Attempted:
        """Send it, once."""
        if self._target is not None:
            letter = Letter(letter.id, letter.channel, letter.document, self._target)
        try:
            request = self._render(letter, self._clock.now())
            async with self._transport(letter.http_allowed) as transport:
                return await _exchanged(transport, request)
        except DestinationForbidden:
            return Attempted("DESTINATION_FORBIDDEN", is_final=True)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError, ValueError):
            return Attempted("REQUEST_INVALID", is_final=True)
        except httpx.ConnectError:
            return Attempted("CONNECT_FAILED")
        except httpx.TransportError:
            return Attempted("CONNECTION_LOST")


async def _exchanged(transport: httpx.AsyncBaseTransport, request: Request) -> Attempted:
    sent = httpx.Request("POST", request.url, headers=dict(request.headers), content=request.body)
    response = await transport.handle_async_request(sent)
    try:
        answer = await _beginning(response) if request.reads_answer else None
    finally:
        await response.aclose()
    return judged(response.status_code, response.headers.get("retry-after"), answer)


async def _beginning(response: httpx.Response) -> bytes:
    """The raw bytes, up to a bound: a decoder could be made to swell."""
    read = b""
    async for part in response.aiter_raw():
        read += part
        if len(read) > ANSWER_BYTES_MAX:
            break
    return read[:ANSWER_BYTES_MAX]
