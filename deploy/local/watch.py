"""Prometheus over processes of this machine, with the configuration and the rules of deploy/prometheus.

Guarantee: it listens on 127.0.0.1 alone, ends with this process, and leaves deploy/prometheus as it is. Of that
configuration only the services of compose are left out: outside of it nobody answers to their names.
"""

import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.local.ports import LOOPBACK
from deploy.local.prometheus import PrivatePrometheus
from horolog.adapters.servers.errors import ServerUnavailable

SOURCE = Path(__file__).resolve().parents[1] / "prometheus"
PORT_DEFAULT = 9090
USUAL: Mapping[str, int] = {
    "api": 9464,
    "ticker": 9465,
    "dispatcher": 9466,
    "executor": 9467,
    "projections": 9468,
    "notifier": 9469,
}
"""The processes of `docs/monitoring.md`, "Seeing it on one machine", and their ports of figures."""
LOOK_S = 1.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched: ports of figures by service, judged as `source` says; Prometheus itself is at `port`."""

    targets: Mapping[str, int]
    source: Path = SOURCE
    port: int = PORT_DEFAULT


def targets_of(words: list[str]) -> Mapping[str, int]:
    """The ports that words like `ticker=9465` name; without words the usual ones.

    Raises:
        ValueError: a word is not like that.
    """
    if not words:
        return USUAL
    if wrong := [word for word in words if not re.fullmatch(r"[\w-]+=[1-9]\d{0,4}", word)]:
        raise ValueError(f"Expected SERVICE=PORT, such as ticker=9465, not {wrong[0]!r}.")
    return {name: int(port) for name, _, port in (word.partition("=") for word in words)}


def watch(directory: Path, watched: Watched) -> int:
    """Run Prometheus until a stop signal; the exit code is 1 when it cannot be started, or ends by itself."""
    home = directory / "prometheus"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    prometheus = PrivatePrometheus(home, written(home, watched.source, watched.targets), watched.port)
    try:
        with prometheus as url:
            # Not before its start: it would have inherited that.
            signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
            sys.stdout.write(f"{', '.join(watched.targets)}\nPrometheus {url}\nalerts     {url}/alerts\n")
            sys.stdout.flush()
            _await_end(prometheus, home)
    except ServerUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _await_end(prometheus: PrivatePrometheus, home: Path) -> None:
    """Return on a stop signal, which are blocked. Raises ServerUnavailable when Prometheus ends by itself."""
    while signal.sigtimedwait(STOP_SIGNALS, LOOK_S) is None:
        if not prometheus.is_running:
            raise ServerUnavailable("Prometheus", "It ended by itself.", f"Read {home / 'server.log'}.")


def written(home: Path, source: Path, targets: Mapping[str, int]) -> Path:
    """The path of the configuration at `source` for processes of this machine, written below `home`."""
    config: dict[str, Any] = yaml.safe_load((source / "prometheus.yml").read_text("utf-8"))
    config["rule_files"] = [str(source / pattern) for pattern in config["rule_files"]]
    config["alerting"]["alertmanagers"] = [
        one for one in config["alerting"]["alertmanagers"] if "file_sd_configs" in one
    ]
    config["scrape_configs"] = [job for job in config["scrape_configs"] if "file_sd_configs" in job]
    entries = [{"targets": [f"{LOOPBACK}:{port}"], "labels": {"service": service}} for service, port in targets.items()]
    (home / "targets").mkdir(exist_ok=True)
    (home / "targets" / "local.yml").write_text(yaml.safe_dump(entries), "utf-8")
    path = home / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), "utf-8")
    return path
