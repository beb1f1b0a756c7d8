"""Apache Kafka's own jars, resolved once from their Maven coordinates and kept in a cache.

`kafka/pom.xml` names exact versions and `kafka/jars.sha256` every file they resolve to; a jar that is missing,
extra or different is refused. A cache directory appears by rename, so its existence means that it was checked.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from horolog.adapters.servers.errors import ServerUnavailable

JAVA_MAJOR_MIN = 17
FETCH_TIMEOUT_S = 600
_HERE = Path(__file__).parent / "kafka"


def have_kafka() -> str | None:
    """Return None when a real broker can be started here, else the reason why not."""
    if java_major() < JAVA_MAJOR_MIN:
        return f"no java >= {JAVA_MAJOR_MIN} on PATH"
    if not cached_jars().is_dir() and shutil.which("mvn") is None:
        return f"no mvn on PATH and no jars in {cached_jars()}"
    return None


def kafka_version() -> str:
    """Return the pinned broker version, as pom.xml says it."""
    match = re.search(r"<kafka\.version>([\d.]+)<", (_HERE / "pom.xml").read_text())
    if match is None:
        raise ServerUnavailable("Kafka", "pom.xml names no kafka.version.", "Restore the file.")
    return match[1]


def cached_jars() -> Path:
    """Return where the jars of the pinned version are, or will be, kept."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache_home / "horolog" / f"kafka-{kafka_version()}"


def java_major() -> int:
    """Return the major version of the `java` on PATH, 0 when there is none."""
    java = shutil.which("java")
    if java is None:
        return 0
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60)
    match = re.search(r'version "(\d+)', shown.stderr)
    return int(match[1]) if match else 0


def obtain_jars() -> Path:
    """Return the directory of checked jars, resolving them when the cache has none.

    Raises ServerUnavailable when Java or Maven is missing, resolving fails, or a jar differs from its pin.
    """
    missing = have_kafka()
    if missing is not None:
        raise ServerUnavailable("Kafka", f"It cannot run here: {missing}.", "Install Java 17 and Maven.")
    cache = cached_jars()
    if cache.is_dir():
        return cache
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{cache.name}.", dir=cache.parent) as aside:
        jars = Path(aside) / "jars"
        _resolve(jars)
        _check(jars)
        try:
            jars.rename(cache)
        except OSError:
            # Another fetch came first; its result was checked the same way.
            if not cache.is_dir():
                raise
    return cache


def _resolve(target: Path) -> None:
    command = ["mvn", "-B", "-q", "-f", str(_HERE / "pom.xml"), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT_S, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise ServerUnavailable("Kafka", f"Maven failed:\n{done.stdout[-2000:]}", "Check the network and proxy.")


def _check(jars: Path) -> None:
    lines = (_HERE / "jars.sha256").read_text().splitlines()
    pinned = {name: digest for digest, name in (line.split() for line in lines)}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in jars.iterdir()}
    differing = sorted(name for name in pinned.keys() | found.keys() if pinned.get(name) != found.get(name))
    if differing:
        raise ServerUnavailable(
            "Kafka",
            f"These jars differ from jars.sha256: {', '.join(differing)}.",
            "After a version change, write the file anew and review it; otherwise distrust the source.",
        )
