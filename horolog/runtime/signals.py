"""Ending on request: SIGTERM and SIGINT set an event; a second one is left to the system's default."""

import asyncio
import signal


def stop_on_signals(stop: asyncio.Event) -> None:
    """Have SIGTERM and SIGINT set `stop` in the running loop."""
    loop = asyncio.get_running_loop()

    def request(number: signal.Signals) -> None:
        stop.set()
        # Whoever asks twice does not want to wait for a clean end.
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, request, number)
