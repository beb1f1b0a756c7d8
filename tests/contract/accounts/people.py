"""Users, sessions and refresh tokens that the tests put into a store."""

from datetime import UTC, datetime, timedelta
from itertools import count

from services.api.accounts.bounds import FAMILY, IDLE
from services.api.accounts.ports import AccountStore, Opening, Rotation
from services.api.accounts.users import Live, Session, User

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
OURS = "3f0d7a52-6c1e-4a57-9b0e-0d7f4a3c9e11"
THEIRS = "9a4be5c1-2d3f-4c5e-8f6a-7b8c9d0e1f22"
NOBODY = "00000000-0000-4000-8000-00000000dead"
_numbers = count(1)


def person(name: str, tenant_id: str = OURS, *, must_change: bool = False) -> User:
    """A user who is not kept yet; younger than the one before."""
    number = next(_numbers)
    return User(
        id=f"22222222-2222-4222-8222-{number:012d}",
        tenant_id=tenant_id,
        name=name,
        roles=("viewer",),
        created_at=NOW + timedelta(seconds=number),
        password_hash=f"hash of {name}",
        must_change_password=must_change,
    )


def opening(user: User, token: bytes = b"first", at: datetime = NOW) -> Opening:
    """A session of the user to be opened."""
    id_ = f"33333333-3333-4333-8333-{next(_numbers):012d}"
    return Opening(Session(id_, at, at, at + IDLE, at + FAMILY), user.id, user.password_hash, token)


async def signed_in(store: AccountStore, user: User, token: bytes = b"first") -> Live:
    """A session of the user, whom the store has been given as well."""
    await store.add_user(user)
    live = await store.open_session(opening(user, token))
    assert live is not None
    return live


def rotation(shown: bytes, successor: bytes, at: datetime = NOW) -> Rotation:
    """A token shown, and the one to replace it."""
    return Rotation(shown, successor, at, at + IDLE)
