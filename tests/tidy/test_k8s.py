"""deploy/k8s keeps what operations rely on: probes, limits, hand-over, walls, least rights, and no secret in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from horolog.cli.roles.api import STOP_S_MAX
from horolog.limits import CANCEL_GRACE_S, LEASE_S
from horolog.log.kafka.settings import KafkaSettings
from horolog.runtime.metrics_server import LIVE_PATH, READY_PATH
from tests.tidy.kubernetes import FOLDER, Document, documents, kustomization, literals
from tests.tidy.manifests import analytics_leaving_s, is_secret, known_settings, megabytes

ROLES = ("api", "dispatcher", "executor", "notifier", "projections", "ticker")
CHOSEN = ("analytics",)
"""Parts that a component brings, where it is chosen."""
UNSCALED = {"notifier"}
PRODUCTION, EVERYTHING = FOLDER / "overlays" / "production", FOLDER / "overlays" / "everything"
USUAL, LASTING = documents(PRODUCTION), documents(EVERYTHING)
PREPARING, FINISHING = documents(PRODUCTION / "prepare"), documents(PRODUCTION / "finish")
ALL = [*LASTING, *PREPARING, *FINISHING]
KEY_HOLDERS = {
    "horolog-database": {"api", "executor", "notifier", "projections", "migrate"},
    "horolog-task-keys": {"dispatcher", "executor"},
    "horolog-command-keys": {"api", "dispatcher"},
    "horolog-master-keys": {"api", "executor", "notifier"},
    "horolog-service-token": {"api"},
    "horolog-issuer": {"api"},
    "horolog-redis": {"api", "projections"},
}
REACHES = {
    "kafka": {*ROLES, *CHOSEN, "topics"},
    "postgres": {"api", "executor", "notifier", "projections", "migrate"},
    "redis": {"api", "projections"},
    "outward": {"executor", "notifier"},
}
GIVEN_BESIDES = {
    "traces-tls": ("horolog-traces", {"api", "dispatcher", "executor"}),
    "audit-sink": ("horolog-audit-sink", {"projections"}),
    "mail": ("horolog-mail", {"notifier"}),
    "api-tls": ("horolog-tls", {"api"}),
}
"""Secrets that a component mounts, and to whom."""
PRIVATE = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8"}
API_PRE_STOP_S = 5


def of(kind: str, among: list[Document]) -> list[Document]:
    return [document for document in among if document["kind"] == kind]


URLS = {
    "owner_url": {"notifier", "projections", "migrate"},
    "reader_url": {"api"},
    "vault_url": {"executor"},
}
"""The logins of PostgreSQL, and to whom they are given."""
WORKLOADS = [*of("Deployment", LASTING), *of("Job", PREPARING), *of("Job", FINISHING)]
NAMES = [document["metadata"]["name"] for document in WORKLOADS]


def named(kind: str, name: str) -> Document:
    return next(document for document in of(kind, LASTING) if document["metadata"]["name"] == name)


def pod_of(workload: Document) -> Document:
    found: Document = workload["spec"]["template"]["spec"]
    return found


def container_of(workload: Document) -> Document:
    (found,) = pod_of(workload)["containers"]
    assert isinstance(found, dict)
    return found


def component_of(workload: Document) -> str:
    return str(workload["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"])


def environment_of(workload: Document) -> dict[str, str]:
    return {entry["name"]: str(entry.get("value", "")) for entry in container_of(workload)["env"]}


def secrets_of(workload: Document) -> Iterator[str]:
    """The names of the secrets that a pod is given."""
    for volume in pod_of(workload)["volumes"]:
        yield from (source["secret"]["name"] for source in volume.get("projected", {}).get("sources", ()))
        yield from [volume["secret"]["secretName"]] if "secret" in volume else []


def test_every_part_is_there_and_every_job() -> None:
    assert {d["metadata"]["name"] for d in of("Deployment", USUAL)} == {f"horolog-{role}" for role in ROLES}
    everyone = (*ROLES, *CHOSEN)
    assert {d["metadata"]["name"] for d in of("Deployment", LASTING)} == {f"horolog-{role}" for role in everyone}
    assert [document["metadata"]["name"] for document in of("Job", FINISHING)] == ["horolog-migrate-post"]
    assert {tuple(container_of(job)["args"]) for job in of("Job", PREPARING)} == {("migrate", "--pre"), ("topics",)}


@pytest.mark.parametrize("role", [*ROLES, *CHOSEN])
def test_part_is_probed_at_what_it_serves(role: str) -> None:
    container = container_of(named("Deployment", f"horolog-{role}"))
    assert container["args"] == ["serve", role]
    (watched,) = (port["containerPort"] for port in container["ports"] if port["name"] == "watch")
    assert str(watched) == literals(FOLDER / "settings")["PROMETHEUS_PORT"]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": LIVE_PATH,
        "liveness": LIVE_PATH,
        "readiness": READY_PATH,
    }
    assert {probe["port"] for probe in probes.values()} == {"watch"}


@pytest.mark.parametrize("role", [*ROLES, *CHOSEN])
def test_roll_out_takes_no_pod_before_another_is_ready(role: str) -> None:
    spec = named("Deployment", f"horolog-{role}")["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    budget = named("PodDisruptionBudget", f"horolog-{role}")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == spec["selector"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize("role", [*ROLES, *CHOSEN])
def test_pod_is_given_the_time_to_hand_over(role: str) -> None:
    deployment = named("Deployment", f"horolog-{role}")
    grace_s = pod_of(deployment)["terminationGracePeriodSeconds"]
    kafka = KafkaSettings("broker:9092")
    leaving_s = (kafka.commit_timeout_ms + kafka.session_timeout_ms) / 1000
    needed_s = {
        "executor": float(environment_of(deployment).get("HOROLOG_DRAIN_S", 0)) + CANCEL_GRACE_S + LEASE_S,
        "api": API_PRE_STOP_S + STOP_S_MAX,
        "analytics": analytics_leaving_s(),
    }
    assert grace_s > needed_s.get(role, leaving_s)


@pytest.mark.parametrize("workload", WORKLOADS, ids=NAMES)
def test_pod_has_no_rights_to_lose(workload: Document) -> None:
    pod, container = pod_of(workload), container_of(workload)
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    security = pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(not volume.keys() & {"hostPath"} for volume in pod["volumes"])


@pytest.mark.parametrize("workload", WORKLOADS, ids=NAMES)
def test_pod_is_bounded(workload: Document) -> None:
    resources = container_of(workload)["resources"]
    limits = resources["limits"]
    assert megabytes(limits["memory"]) <= 1024
    assert int(limits["cpu"].removesuffix("m")) <= 750
    assert set(resources["requests"]) == set(limits)
    assert all("sizeLimit" in volume["emptyDir"] for volume in pod_of(workload)["volumes"] if "emptyDir" in volume)


@pytest.mark.parametrize("workload", WORKLOADS, ids=NAMES)
def test_service_account_is_there_and_has_no_token(workload: Document) -> None:
    accounts = {a["metadata"]["name"]: a for a in of("ServiceAccount", ALL)}
    assert accounts[pod_of(workload)["serviceAccountName"]]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("workload", WORKLOADS, ids=NAMES)
def test_every_variable_is_a_setting_and_none_is_a_secret(workload: Document) -> None:
    given = environment_of(workload)
    assert given.keys() - known_settings() == set()
    assert [name for name in given if is_secret(name)] == []


@pytest.mark.parametrize("workload", WORKLOADS, ids=NAMES)
def test_services_of_the_namespace_set_no_variables(workload: Document) -> None:
    # A service called horolog-api would set HOROLOG_API_PORT.
    assert pod_of(workload)["enableServiceLinks"] is False


def test_settings_of_all_are_settings_and_none_is_a_secret() -> None:
    folders = [path.parent for path in FOLDER.rglob("kustomization.yaml")]
    given = {name for folder in folders for name in literals(folder)}
    assert given
    assert given - known_settings() == set()
    assert [name for name in given if is_secret(name)] == []


def test_secrets_are_named_and_never_given() -> None:
    assert of("Secret", ALL) == []
    assert [path for path in FOLDER.rglob("*.yaml") if "secretGenerator" in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("secret", KEY_HOLDERS)
def test_nobody_is_given_a_key_that_he_does_not_need(secret: str) -> None:
    assert {component_of(w) for w in WORKLOADS if secret in secrets_of(w)} == KEY_HOLDERS[secret]


@pytest.mark.parametrize("url", URLS)
def test_each_part_has_the_login_that_reaches_what_it_needs(url: str) -> None:
    assert {component_of(w) for w in WORKLOADS if url in _keys_of(w)} == URLS[url]


def _keys_of(workload: Document) -> set[str]:
    """The keys of all secrets whose files it is given."""
    sources = [s for v in pod_of(workload)["volumes"] for s in v.get("projected", {}).get("sources", ())]
    return {item["key"] for source in sources for item in source["secret"]["items"]}


@pytest.mark.parametrize("workload", WORKLOADS, ids=NAMES)
def test_files_of_secrets_are_closed_and_where_the_settings_say(workload: Document) -> None:
    volumes = [v.get("projected") or v.get("secret") for v in pod_of(workload)["volumes"]]
    assert all(volume["defaultMode"] == 0o440 for volume in volumes if volume is not None)
    items = {item["path"] for v in volumes if v for s in v.get("sources", ()) for item in s["secret"]["items"]}
    below = "/run/secrets/horolog/"
    named_files = {v.removeprefix(below) for v in environment_of(workload).values() if v.startswith(below)}
    assert named_files == items


def test_who_reaches_what_is_said_by_labels_that_have_a_policy() -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of("NetworkPolicy", LASTING)}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for place, allowed in REACHES.items():
        label = f"horolog.io/{place}"
        labelled = {component_of(w) for w in WORKLOADS if label in w["spec"]["template"]["metadata"]["labels"]}
        assert labelled == allowed, place
        assert policies[place]["podSelector"]["matchLabels"][label] == "yes"
        assert policies[place]["policyTypes"] == ["Egress"]
    assert policies["callers"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "api"


@pytest.mark.parametrize("among", [LASTING, PREPARING, FINISHING], ids=["lasting", "preparing", "finishing"])
def test_no_build_is_without_walls(among: list[Document]) -> None:
    assert "nothing" in {policy["metadata"]["name"] for policy in of("NetworkPolicy", among)}


@pytest.mark.parametrize("name", ["outward", "audit-sink"])
def test_who_reaches_out_reaches_no_private_address(name: str) -> None:
    (rule,) = named("NetworkPolicy", name)["spec"]["egress"]
    blocks = {to["ipBlock"]["cidr"]: set(to["ipBlock"]["except"]) for to in rule["to"]}
    assert blocks["0.0.0.0/0"] >= PRIVATE
    assert blocks["::/0"] >= {"fc00::/7", "fe80::/10"}


def test_ways_out_are_opened_by_what_is_chosen_alone() -> None:
    usual = {policy["metadata"]["name"] for policy in of("NetworkPolicy", USUAL)}
    assert {policy["metadata"]["name"] for policy in of("NetworkPolicy", LASTING)} - usual == {
        "collector",
        "audit-sink",
    }
    (chosen,) = named("NetworkPolicy", "collector")["spec"]["podSelector"]["matchExpressions"]
    assert (chosen["operator"], set(chosen["values"])) == ("In", GIVEN_BESIDES["traces-tls"][1])
    assert named("NetworkPolicy", "audit-sink")["spec"]["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/part-of": "horolog",
        "app.kubernetes.io/component": "projections",
    }


def test_collector_is_reached_at_the_port_that_the_settings_name() -> None:
    (rule,) = named("NetworkPolicy", "collector")["spec"]["egress"]
    addresses = [
        literals(FOLDER / "components" / name)["OTEL_EXPORTER_OTLP_ENDPOINT"] for name in ("traces", "traces-tls")
    ]
    assert [urlsplit(address).port for address in addresses] == [port["port"] for port in rule["ports"]] * 2
    assert [urlsplit(address).scheme for address in addresses] == ["http", "https"]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in literals(FOLDER / "settings")


@pytest.mark.parametrize("component", sorted(GIVEN_BESIDES))
def test_what_a_component_mounts_is_a_closed_file_for_those_who_need_it(component: str) -> None:
    secret, holders = GIVEN_BESIDES[component]
    folder = FOLDER / "components" / component
    patches = kustomization(folder)["patches"]
    assert {patch["target"]["name"] for patch in patches} == {f"horolog-{role}" for role in holders}
    assert {patch["path"] for patch in patches} == {"mount.yaml"}
    volume, mount, *variables = [
        step["value"] for step in yaml.safe_load((folder / "mount.yaml").read_text(encoding="utf-8"))
    ]
    assert volume["secret"] == {"secretName": secret, "defaultMode": 0o440}
    assert (mount["name"], mount["readOnly"]) == (volume["name"], True)
    assert all(variable["value"].startswith(f"{mount['mountPath']}/") for variable in variables)
    assert {variable["name"] for variable in variables} <= known_settings()


def test_each_part_is_scaled_by_one_scaler_at_most() -> None:
    scalers = [*of("HorizontalPodAutoscaler", LASTING), *of("ScaledObject", LASTING)]
    scaled = [scaler["spec"]["scaleTargetRef"]["name"] for scaler in scalers]
    assert sorted(scaled) == [f"horolog-{role}" for role in ROLES if role not in UNSCALED]
    components = kustomization(PRODUCTION)["components"]
    removing = [FOLDER / "components" / name.rpartition("/")[2] for name in components if "scaling" in name]
    patched = {p["target"]["name"] for folder in removing for p in kustomization(folder)["patches"]}
    assert patched == set(scaled)
    assert all("/spec/replicas" in (folder / "unfixed.yaml").read_text(encoding="utf-8") for folder in removing)


@pytest.mark.parametrize("overlay", [PRODUCTION, EVERYTHING], ids=["production", "everything"])
def test_what_differs_here_is_told_to_all_that_a_build_has(overlay: Path) -> None:
    # A component changes what was gathered before it, and nothing of what comes after.
    assert (overlay / kustomization(overlay)["components"][-1]).resolve() == PRODUCTION / "site"
    assert len({document["metadata"].get("namespace") for document in documents(overlay)}) == 1


def test_every_image_is_one_that_the_site_names() -> None:
    site = {image["newName"].rpartition("/")[2] for image in kustomization(PRODUCTION / "site")["images"]}
    used = {container_of(workload)["image"].rpartition("/")[2].partition(":")[0] for workload in WORKLOADS}
    assert site == used == {"horolog", "horolog-analytics"}
    assert container_of(named("Deployment", "horolog-analytics"))["image"].partition(":")[0].endswith("-analytics")


def test_api_is_reached_by_its_service() -> None:
    service, deployment = named("Service", "horolog-api"), named("Deployment", "horolog-api")
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    (port,) = service["spec"]["ports"]
    ports = {p["name"]: p["containerPort"] for p in container_of(deployment)["ports"]}
    assert (port["port"], ports[port["targetPort"]]) == (3009, 3009)
    assert environment_of(deployment)["HOROLOG_API_PORT"] == "3009"


def test_every_folder_is_part_of_a_build() -> None:
    used = {PRODUCTION, EVERYTHING, PRODUCTION / "prepare", PRODUCTION / "finish"}
    waiting = list(used)
    while waiting:
        folder = waiting.pop()
        described: dict[str, Any] = kustomization(folder)
        below = {(folder / name).resolve() for key in ("resources", "components") for name in described.get(key, ())}
        new = {path for path in below if path.is_dir()} - used
        used |= new
        waiting += new
    assert {path.parent for path in FOLDER.rglob("kustomization.yaml")} == used


def test_files_of_a_folder_are_named_by_its_kustomization() -> None:
    for path in FOLDER.rglob("*.yaml"):
        if path.name != "kustomization.yaml":
            assert path.name in yaml.safe_dump(kustomization(path.parent)), path
