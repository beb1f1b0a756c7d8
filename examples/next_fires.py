"""Asks for the next instant of every job at the same time, in a loop."""

import asyncio

from horolog.client import connect_async


async def main() -> None:
    """Print a line for each job."""
    async with connect_async() as horolog:
        jobs = [job async for job in horolog.list_jobs()]
        fires = await asyncio.gather(*(horolog.preview_fires(job.id, limit=1) for job in jobs))
    for job, found in zip(jobs, fires, strict=True):
        print(job.name, *(fire.at for fire in found.items))


if __name__ == "__main__":
    asyncio.run(main())
