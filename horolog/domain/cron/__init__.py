"""Cron expressions on the wall clock of an IANA time zone, exact to the second.

Guarantee: the fires of an expression in a zone are one fixed, strictly increasing set of instants, decided
by the expression, the zone and the pinned time zone data alone. `next_after` and `previous_before` look it
up from any instant, so the answer never depends on which fire was asked for before.

A job whose second, minute or hour contains `*` or `/` is an *interval* job, every other one *fixed*.
    the local time exists once    it fires there
    exists twice (overlap)        interval: at both instants;  fixed: at the earlier one
    does not exist (gap)          interval: never;  fixed: at the end of a gap shorter than 24 h, else never
Dates are matched on the nominal local date; two fires at the same instant are one.

Fails with: `CronError` for a bad expression, `ZoneError` for an unknown zone, `None` where nothing fires
within 100 years. No clock is read; the only files read are those of the `tzdata` package.
"""

from horolog.domain.cron.errors import CronError, FieldName, ZoneError
from horolog.domain.cron.instants import fires_between, next_after, previous_before
from horolog.domain.cron.search import HORIZON_S, next_after_s, previous_before_s
from horolog.domain.cron.spec import CronSpec, is_interval, parse, problems
from horolog.domain.cron.window import count_between, fires_between_s
from horolog.domain.cron.zone import Zone, ZoneData, packaged_zone_data, tzdata_version, zone, zone_names

__all__ = [
    "HORIZON_S",
    "CronError",
    "CronSpec",
    "FieldName",
    "Zone",
    "ZoneData",
    "ZoneError",
    "count_between",
    "fires_between",
    "fires_between_s",
    "is_interval",
    "next_after",
    "next_after_s",
    "packaged_zone_data",
    "parse",
    "previous_before",
    "previous_before_s",
    "problems",
    "tzdata_version",
    "zone",
    "zone_names",
]
