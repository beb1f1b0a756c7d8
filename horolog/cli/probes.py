"""One short question to each service; the answer is a phrase for people. Whatever is wrong is raised as it comes."""

from urllib.parse import urlsplit

from horolog.ports import Clock


async def probe_api(url: str) -> str:
    """Ask the API for its health."""
    import httpx  # noqa: PLC0415 - each probe loads only the library that it needs

    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{url}/health")
    found = answer.json()
    if not isinstance(found, dict) or "status" not in found:
        raise RuntimeError(f"{url} answered {answer.status_code}, but not as Horolog's API does")
    if found["status"] != "healthy":
        raise RuntimeError(f"{url} is {found['status']}: {found.get('dependencies')}")
    return f"{url} is healthy"


async def probe_database(url: str, clock: Clock) -> tuple[str, float]:
    """Ask PostgreSQL for its version and its time; also how far our clock is ahead of it, in seconds."""
    import asyncpg  # noqa: PLC0415

    connection = await asyncpg.connect(url)
    try:
        before = clock.now()
        theirs = await connection.fetchval("SELECT clock_timestamp()")
        middle = before + (clock.now() - before) / 2
        version = connection.get_server_version()
    finally:
        await connection.close()
    return f"PostgreSQL {version.major}.{version.minor} answers", (middle - theirs).total_seconds()


async def probe_redis(url: str, clock: Clock) -> tuple[str, float]:
    """Ask Redis for its time; also how far our clock is ahead of it, in seconds."""
    from redis.asyncio import Redis  # noqa: PLC0415

    client = Redis.from_url(url)
    try:
        # The first exchange connects, which may take long.
        await client.ping()
        before = clock.now()
        seconds, micros = await client.time()
        middle = before + (clock.now() - before) / 2
    finally:
        await client.aclose()
    return f"{urlsplit(url).hostname or 'Redis'} answers", middle.timestamp() - (seconds + micros / 1e6)
