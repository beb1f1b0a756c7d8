"""The one error of a supervised server: it cannot be had, why, and what the reader can do about it."""


class ServerUnavailable(Exception):
    """A private server could not be found, started or kept.

    `reason` says what is wrong, `remedy` what a person can do; both are whole sentences fit for a terminal.
    """

    def __init__(self, server: str, reason: str, remedy: str) -> None:
        super().__init__(f"{server}: {reason} {remedy}")
        self.server = server
        self.reason = reason
        self.remedy = remedy
