"""Runs the month's end out of its turn, in a few lines: what a job will do, one run of it, and what came of that."""

from horolog.client import JobFilter, connect

if __name__ == "__main__":
    with connect() as horolog:
        job = next(horolog.list_jobs(JobFilter(named="month end")))
        print(*(fire.at for fire in horolog.preview_fires(job.id, limit=3).items))
        started = horolog.trigger_job(job.id, {"region": "us"}, reason="the books were late")
        ended = horolog.wait_for_execution(started.id, timeout_s=60)
        print(ended.status, ended.result)
