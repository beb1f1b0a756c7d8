"""How long tokens, sessions and what is known of them are good for, and how they relate."""

from datetime import timedelta

ACCESS_S = 600
"""The life of an access token."""
IDLE = timedelta(hours=24)
"""A session that nobody refreshes for so long has ended."""
FAMILY = timedelta(days=14)
"""A session ends after this, however often it is refreshed."""
STATE_FRESH_S = 5.0
"""For so long nobody asks again what a session is good for."""
STATE_KEPT_S = 10.0
"""What was known is relied on for so long while the database does not answer."""
STATE_WAIT_S = 3.0
"""How long one question about a session takes at most."""
STATE_COUNT_MAX = 10_000
SESSIONS_PER_USER_COUNT_MAX = 50
"""Who opens more loses the one that was used least recently."""
SECRET_BYTES = 32
"""Of a refresh token."""
ONE_TIME_PASSWORD_BYTES = 18
UPKEEP_INTERVAL_S = 600.0
UPKEEP_RETRY_S = 5.0

assert STATE_FRESH_S + STATE_WAIT_S < STATE_KEPT_S
assert timedelta(seconds=ACCESS_S) < IDLE < FAMILY
