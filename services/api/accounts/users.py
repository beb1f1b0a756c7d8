"""Users and their sessions as values, and the rules on names, roles and passwords.

Guarantee: a platform administrator belongs to no tenant (it is kept under the system tenant's id) and holds no role of
one, so that no tenant's administrator ever reaches it and it reads no tenant's jobs.
Source: NIST SP 800-63B, section 3.1.1.2 (length instead of composition, NFKC, no truncation).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from schemas.events.workers import SYSTEM_TENANT
from services.api.permissions import NARROWABLE, PLATFORM_ADMIN, ROLES

PASSWORD_LENGTH_MIN = 12
PASSWORD_LENGTH_MAX = 200
"""In characters, after NFKC."""
ROLE_COUNT_MAX = 10
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `name` is the login name in lower case, unique over all tenants.

    With `tags`, the roles hold for jobs that carry one of them only.
    """

    id: str
    tenant_id: str
    name: str
    roles: tuple[str, ...]
    created_at: datetime
    password_hash: str = field(repr=False)
    disabled: bool = False
    must_change_password: bool = True
    session_version: int = 1
    last_login_at: datetime | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Live:
    """A session that is good at present, and whose it is. `session_version` changes with everything that ends it."""

    session_id: str
    user_id: str
    tenant_id: str
    name: str
    roles: tuple[str, ...]
    session_version: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. It ends by itself at `idle_until` unless it is refreshed, and at `expires_at` in any case."""

    id: str
    created_at: datetime
    last_used_at: datetime
    idle_until: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a user may have anything run. `number` rises by one whenever that changes; `is_told`: the log knows."""

    user_id: str
    tenant_id: str
    name: str
    disabled: bool
    number: int
    is_told: bool


class RefusedUser(ValueError):
    """What a user may not be; `field` says which part is wrong, and the message why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def login_name(text: str) -> str | None:
    """The name as it is kept, or None when nobody can be called that."""
    name = text.strip().lower()
    return name if _NAME.fullmatch(name) else None


def checked_name(text: str) -> str:
    """The name as it is kept.

    Raises:
        RefusedUser: nobody can be called that.
    """
    if (name := login_name(text)) is None:
        raise RefusedUser("name", "must be 1 to 64 of a-z, 0-9 and . _ @ -, beginning with a letter or a digit")
    return name


def checked_roles(roles: Sequence[str], tenant_id: str) -> tuple[str, ...]:
    """The roles, each once, in a fixed order.

    Raises:
        RefusedUser: none, an unknown one, or one that a user of this tenant cannot hold.
    """
    of_platform = tenant_id == SYSTEM_TENANT
    grantable = [role for role in ROLES if (role == PLATFORM_ADMIN) == of_platform]
    if not roles or not set(roles) <= set(grantable):
        raise RefusedUser("roles", f"must be one or more of: {', '.join(grantable)}")
    return tuple(role for role in grantable if role in roles)


def checked_tags(tags: Sequence[str], roles: Sequence[str]) -> tuple[str, ...]:
    """The tags that narrow the roles, each once.

    Raises:
        RefusedUser: one of the roles holds for the whole tenant, or for none.
    """
    if tags and (whole := [role for role in roles if role not in NARROWABLE]):
        words = f"cannot narrow the role {whole[0]}, which holds for a whole tenant; only {', '.join(NARROWABLE)}"
        raise RefusedUser("tags", words)
    return tuple(dict.fromkeys(tags))


def normal_password(text: str) -> bytes:
    """What of a password is hashed: the same for every way in which a keyboard may have composed it."""
    return unicodedata.normalize("NFKC", text).encode()


def checked_password(text: str, name: str) -> bytes:
    """What of a new password is hashed.

    Raises:
        RefusedUser: it is too short, too long, or the user's own name.
    """
    normal = unicodedata.normalize("NFKC", text)
    if not PASSWORD_LENGTH_MIN <= len(normal) <= PASSWORD_LENGTH_MAX:
        words = f"must have {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters"
        raise RefusedUser("newPassword", words)
    if normal.strip().casefold() == name.casefold() or len(set(normal)) < 4:
        raise RefusedUser("newPassword", "must not be the user's name, nor a few characters repeated")
    return normal.encode()
