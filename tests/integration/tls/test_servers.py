"""PostgreSQL and Redis over TLS: their addresses say whom to trust, and nobody else is talked to."""

from urllib.parse import parse_qs, quote, unquote, urlsplit

import asyncpg
import pytest

from horolog.adapters.local_rates import LocalRates
from horolog.adapters.redis_rates import RedisRates
from horolog.adapters.servers.postgres import SOCKET_PORT
from horolog.adapters.system import RandomIds
from horolog.domain.rates import Demand, Rate
from projections.connections import connect, open_pool
from tests.integration.tls.certificates import Authority, authority
from tests.integration.tls.tunnel import behind_tls

PATIENT_S = 30.0


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that everybody here trusts."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority, which nobody trusts."""
    return authority(tmp_path_factory.mktemp("strange"), "strange")


async def test_postgresql_is_reached_over_tls_by_whom_trusts_its_authority(
    postgres_dsn: str, ours: Authority, strange: Authority
) -> None:
    (folder,) = parse_qs(urlsplit(postgres_dsn).query)["host"]
    async with behind_tls(f"{folder}/.s.PGSQL.{SOCKET_PORT}", "postgres", ours, is_asked_first=True) as port:
        address = f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert="
        pool = await open_pool(address + quote(ours.file))
        assert await pool.fetchval("select 1") == 1
        await pool.close()
        connection = await connect(address + quote(ours.file), "writer")
        assert await connection.fetchval("select 1") == 1
        await connection.close()
        with pytest.raises(OSError, match="certificate verify failed"):
            await asyncpg.connect(address + quote(strange.file))


async def test_redis_is_reached_over_tls_by_whom_trusts_its_authority(
    redis_url: str, ours: Authority, strange: Authority
) -> None:
    demand = Demand(f"test:{RandomIds().new()}", Rate(1 / 3600, 2))
    path = unquote(redis_url.removeprefix("unix://"))
    async with behind_tls(path, "redis", ours, is_asked_first=False) as port:
        for trusted, lefts in ((ours, [1, 0]), (strange, [0, 0])):
            url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={quote(trusted.file)}"
            rates = RedisRates(url, LocalRates(), PATIENT_S)
            # Who does not get through goes by half of the rate, in its own memory.
            assert [(await rates.take([demand]))[0].remaining for _ in lefts] == lefts
            await rates.close()
