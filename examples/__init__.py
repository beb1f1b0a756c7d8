"""Example jobs, the functions that they call, a sample crontab, and programs of a few lines that use the SDK.

`jobs.json` is what `horolog dev` loads: all three job types at different rates, so that within a minute there is
plenty to look at. `month_end.py` is a function of one's own and its job; `run_now.py` and `next_fires.py` ask the
API, and `receiver.py` takes notifications. `functions.py` shows what a function job may do; `jobs.yaml` is for
`horolog apply`, and `crontab`, `cronjobs.yaml`, `beat_schedule.json`, `xxl_job_info.csv` and `job_schedulers.json` are
food for `horolog import`.
Nothing here is needed to run Horolog, and Horolog does not know of it.
"""

from examples.jobs import load

__all__ = ["load"]
