"""Settings that are either true or false."""

from collections.abc import Mapping

from horolog.runtime.settings_error import SettingsError


def flag(environment: Mapping[str, str], name: str, default: bool) -> bool:
    """Whether the setting is on.

    Raises:
        SettingsError: it is neither true nor false.
    """
    text = environment.get(name, str(default)).lower()
    if text not in ("true", "false"):
        raise SettingsError(f"{name} must be true or false")
    return text == "true"
