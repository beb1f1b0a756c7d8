"""What the container of a pod runs, as the config of a command job.

Guarantee: the command line is the one that the container would run, word for word; what it would find around it and
does not find here is in a note, and what it cannot do without is a reason to refuse.
Source: Kubernetes' API reference, PodSpec and Container v1 core.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from horolog.cli.importing.port import refuse_unknown
from horolog.cli.importing.schedules import NotMapped
from horolog.domain.sensitive import NAME_PATTERN

# What a cluster fills in, or what says where and as whom a pod runs: nothing that its command line depends on.
_POD_LOST = (
    "affinity", "automountServiceAccountToken", "dnsPolicy", "enableServiceLinks", "imagePullSecrets", "nodeSelector",
    "preemptionPolicy", "priority", "priorityClassName", "restartPolicy", "schedulerName", "securityContext",
    "serviceAccount", "serviceAccountName", "terminationGracePeriodSeconds", "tolerations",
)  # fmt: skip
_POD_DEFAULTS = ("dnsPolicy", "restartPolicy", "schedulerName", "terminationGracePeriodSeconds")
_CONTAINER_LOST = (
    "image", "imagePullPolicy", "resources", "securityContext", "terminationMessagePath", "terminationMessagePolicy",
)  # fmt: skip
_CONTAINER_DEFAULTS = ("image", "imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy")
_CONTAINER_USED = ("name", "command", "args", "env", "workingDir")
_EXPANSION = re.compile(r"\$\(|\$\$")


def container_config(pod: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The config, and notes of what is lost.

    Raises:
        NotMapped: the container needs more than its command line.
    """
    refuse_unknown(pod, ("containers", *_POD_LOST), "the pod")
    containers = pod.get("containers")
    if not isinstance(containers, list) or len(containers) != 1 or not isinstance(containers[0], dict):
        raise NotMapped("the pod has not exactly one container")
    container = containers[0]
    refuse_unknown(container, (*_CONTAINER_USED, *_CONTAINER_LOST), "the container")
    command, args = _words(container, "command"), _words(container, "args")
    if not command:
        raise NotMapped("the container names no command; what its image runs by itself is not known here")
    config: dict[str, Any] = {"command": command[0], "args": [*command[1:], *args]}
    if isinstance(directory := container.get("workingDir"), str) and directory:
        config["workingDirectory"] = directory
    notes = list(_lost_notes(pod, container))
    if environment := dict(_environment(container, notes)):
        config["environment"] = environment
    return config, notes


def _words(container: Mapping[str, Any], name: str) -> list[str]:
    found = container.get(name) or []
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise NotMapped(f"{name} is no list of texts")
    if any(_EXPANSION.search(word) for word in found):
        raise NotMapped(f"{name}: $(…) is replaced by Kubernetes, and by nobody here")
    return found


def _lost_notes(pod: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[str]:
    yield f"the image {str(container.get('image'))[:200]} is not used: the command runs on an executor, with its files"
    lost = [name for name in _POD_LOST if pod.get(name) and name not in _POD_DEFAULTS]
    lost += [name for name in _CONTAINER_LOST if container.get(name) and name not in _CONTAINER_DEFAULTS]
    if lost:
        yield f"not taken over: {', '.join(lost)}"


def _environment(container: Mapping[str, Any], notes: list[str]) -> Iterator[tuple[str, str]]:
    variables = container.get("env") or []
    if not isinstance(variables, list):
        raise NotMapped("env is no list")
    for variable in variables:
        if not isinstance(variable, dict) or not isinstance(variable.get("name"), str):
            raise NotMapped("env holds what has no name")
        name = variable["name"]
        refuse_unknown(variable, ("name", "value", "valueFrom"), f"the variable {name[:60]}")
        if "valueFrom" in variable:
            yield name, _reference(name, variable["valueFrom"], notes)
        elif isinstance(value := variable.get("value") or "", str) and not _EXPANSION.search(value):
            yield name, value
        else:
            raise NotMapped(f"the variable {name[:60]} is no plain text")


def _reference(name: str, source: Any, notes: list[str]) -> str:
    key = source.get("secretKeyRef") if isinstance(source, dict) and len(source) == 1 else None
    if not isinstance(key, dict) or key.get("optional"):
        raise NotMapped(f"the variable {name[:60]} comes from what there is no counterpart for; only secretKeyRef has")
    secret = f"{key.get('name')}.{key.get('key')}".lower()
    if not re.fullmatch(NAME_PATTERN, secret):
        raise NotMapped(f"the variable {name[:60]}: no secret here can be called {secret[:60]!r}")
    notes.append(f"the variable {name} is secret://{secret}, which has to be created: horolog secret set")
    return f"secret://{secret}"
