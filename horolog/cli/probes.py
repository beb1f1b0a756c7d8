"""One short question to each service; the answer is a phrase for people. Whatever is wrong is raised as it comes."""

from urllib.parse import urlsplit

from horolog.log_opening import kafka_settings
from horolog.ports import Clock
from horolog.runtime.settings import Settings
from schemas.topics import TOPICS


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


async def probe_log(settings: Settings) -> str:
    """Ask the Kafka cluster for its topics."""
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415

    from horolog.log.kafka.clients import connection_options  # noqa: PLC0415

    admin = AIOKafkaAdminClient(**connection_options(kafka_settings(settings)))
    try:
        await admin.start()
        names = set(await admin.list_topics())
    finally:
        await admin.close()
    present = sum(any(name.endswith(topic.name) for name in names) for topic in TOPICS)
    hint = "" if present == len(TOPICS) else "; `horolog topics` creates the rest"
    return f"{settings.kafka_bootstrap} answers, {present} of {len(TOPICS)} topics{hint}"


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


async def probe_redis(url: str) -> str:
    """Ping Redis."""
    from redis.asyncio import Redis  # noqa: PLC0415

    client = Redis.from_url(url)
    try:
        await client.ping()
    finally:
        await client.aclose()
    return f"{urlsplit(url).hostname} answers"
