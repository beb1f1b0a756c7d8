"""A function of one's own code base, and the job that calls it: the ten lines of the README.

`horolog worker run examples.month_end` runs the function; `python -m examples.month_end` creates the job.
"""

from horolog.client import connect, function_job
from horolog.worker import Worker

worker = Worker()


@worker.function("billing.close_month")
def close_month(region: str) -> str:
    return f"closed {region}"


if __name__ == "__main__":
    with connect() as horolog:
        job = horolog.create_job(function_job("month end", "0 0 2 1 * *", "billing.close_month", {"region": "eu"}))
        print(job.id, job.next_execution_at)
