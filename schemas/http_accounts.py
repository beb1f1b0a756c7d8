"""The bodies about users and their sessions: signing in and out, and managing who may.

Guarantee: as in `schemas.http`, whose conventions hold here too. Passwords and tokens are told once, in the answer to
whoever made them, and never again.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Body, Text, Uuid, Value
from schemas.jobs import TAG_COUNT_MAX, Tag

Secret = Annotated[Text, Field(min_length=1, max_length=400, repr=False)]
"""A password or a token that a caller sends; what a new password must be is judged by its rules."""
LoginName = Annotated[Text, Field(min_length=1, max_length=200)]
Roles = Annotated[tuple[Annotated[Text, Field(max_length=50)], ...], Field(min_length=1, max_length=10, strict=False)]
"""Not strict: an array of JSON is no tuple."""
GrantTags = Annotated[tuple[Tag, ...], Field(max_length=TAG_COUNT_MAX, strict=False)]


class TokenBody(Body):
    """A login name and its password."""

    name: LoginName
    password: Secret


class RefreshBody(Body):
    """A refresh token: it is used up by this."""

    refresh_token: Secret


class PasswordBody(TokenBody):
    """The present password, and the new one: 12 to 200 characters, and not the name."""

    new_password: Secret


class TokenResponse(Value):
    """An access token for `Authorization: Bearer`, good for `expiresIn` seconds, and the token that gets the next one.

    A refresh token serves once; it is good for a day, and the session for 14 days.
    """

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str


class UserCreateBody(Body):
    """A new user. `tenantId` is the caller's own, if it is left out; who manages the platform may name any tenant.

    Users with the role platform-admin belong to no tenant: for these it is left out. With `tags` the roles (viewer,
    operator, developer) hold for jobs that carry at least one of them, and for nothing else.
    """

    name: LoginName
    roles: Roles
    tenant_id: Uuid | None = None
    tags: GrantTags = ()


class UserChangeBody(Body):
    """What is to be different; a change ends all sessions of the user. Without any `tags` roles hold for all jobs."""

    roles: Roles | None = None
    disabled: bool | None = None
    tags: GrantTags | None = None


class UserResponse(Value):
    """A user. `tenantId` is null for one who manages the platform; roles without `tags` hold for all jobs."""

    id: str
    tenant_id: str | None
    name: str
    roles: tuple[str, ...]
    tags: tuple[str, ...]
    disabled: bool
    must_change_password: bool
    created_at: datetime
    last_login_at: datetime | None


class UserPage(Value):
    """Users, newest first. `nextCursor` is null on the last page."""

    items: tuple[UserResponse, ...]
    next_cursor: str | None


class NewUserResponse(Value):
    """A user, and the password that is told this once; it has to be changed before the first token."""

    user: UserResponse
    one_time_password: str


class OneTimePasswordResponse(Value):
    """The password that is told this once; it has to be changed before the next token."""

    one_time_password: str


class SessionResponse(Value):
    """One sign-in. It ends at `idleUntil` unless it is refreshed before, and at `expiresAt` in any case."""

    id: str
    created_at: datetime
    last_used_at: datetime
    idle_until: datetime
    expires_at: datetime


class SessionsResponse(Value):
    """The sessions of a user that are good, the most recently used first."""

    items: tuple[SessionResponse, ...]
