"""The machine's time zone: what cron runs by when a crontab does not say otherwise."""

from pathlib import Path

from horolog.domain.cron import zone_names


def machine_zone(root: Path = Path("/")) -> str:
    """The IANA name in /etc/timezone, else the target of /etc/localtime, else UTC."""
    for found in (_named(root / "etc/timezone"), _linked(root / "etc/localtime")):
        if found in zone_names():
            return found
    return "UTC"


def _named(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _linked(path: Path) -> str:
    try:
        target = str(path.readlink())
    except OSError:
        return ""
    return target.partition("zoneinfo/")[2]
