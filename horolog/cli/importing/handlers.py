"""Jobs whose work is somebody else's handler: called over HTTP, where `--handler-url` says.

XXL-JOB's beans and BullMQ's processors live in programs that Horolog does not have. With an address such a job is a
POST that tells the handler and its data; without one, it is not mapped.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from horolog.cli.importing.port import TIMEOUT_NONE_S, Setting
from horolog.cli.importing.schedules import NotMapped


def handler_config(setting: Setting, words: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
    """The request to a handler: `{name}` in the address is replaced by the word of that name.

    Raises:
        NotMapped: there is no address, or it names a word that there is not.
    """
    if setting.handler_url is None:
        known = " and ".join(f"{{{word}}}" for word in words)
        raise NotMapped(
            f"its handler is part of another program; say where it can be called: --handler-url, with {known}"
        )
    url = setting.handler_url
    for name, value in words.items():
        url = url.replace(f"{{{name}}}", quote(value, safe=""))
    if "{" in url or "}" in url:
        raise NotMapped("--handler-url names a word that is not there")
    return {"url": url, "method": "POST", "body": dict(body), "timeout": TIMEOUT_NONE_S * 1000}
