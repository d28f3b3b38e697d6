"""The manifests for Kubernetes: by its own schemas, and against what the server itself has."""

from pathlib import Path
from typing import Any

import pytest

from backends.metrics import FIGURES, PREFIX
from protocol.admission.scopes import OPERATE, PATHS, needed_scopes
from tests.deploy.validators import DEPLOY, Verdict, documents, planted, verdict
from tests.fakes import default_settings

pytestmark = pytest.mark.system
FILE = "kubernetes/server.yaml"
OLDEST = "1.29"  # as server.yaml says


def validated(file: Path) -> Verdict:
    install = "pip install -r requirements/dev.txt"
    return verdict("kubernetes-validate", "--strict", "-k", OLDEST, file, install=install)


def manifest(kind: str) -> Any:
    (found,) = [page for page in documents(FILE) if page["kind"] == kind]
    return found["spec"]


def pod() -> Any:
    return manifest("Deployment")["template"]["spec"]


def server() -> Any:
    (found,) = pod()["containers"]
    return found


def test_the_manifests_are_fine_by_the_schemas_of_kubernetes() -> None:
    found = validated(DEPLOY / FILE)
    assert found.code == 0, found.output
    assert found.output.count("passed") == len(documents(FILE))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("livenessProbe:", "livenesProbe:"),
        ("minReplicas: 2", "minReplicas: two"),
        ("maxUnavailable: 1", "maxUnavailabel: 1"),
    ],
)
def test_the_schemas_notice_a_planted_error(tmp_path: Path, right: str, wrong: str) -> None:
    assert validated(planted(tmp_path, FILE, right, wrong)).code == 1


def test_a_replica_has_the_guides_limits() -> None:
    assert server()["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi"},
        "limits": {"cpu": "4", "memory": "8Gi"},
    }


def test_a_replica_is_asked_whether_it_is_ready_and_whether_it_lives_by_different_pages() -> None:
    paths = {name: server()[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert paths == {
        "startupProbe": "/health/ready",
        "readinessProbe": "/health/ready",
        "livenessProbe": "/health/live",
    }


def test_the_start_and_the_drain_have_the_time_that_the_server_takes() -> None:
    settings = default_settings()
    startup = server()["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= settings.transcription.start_timeout_s
    (_, pause_s) = server()["lifecycle"]["preStop"]["exec"]["command"]
    limits = settings.supervisor
    assert pod()["terminationGracePeriodSeconds"] >= int(pause_s) + limits.drain_timeout_s + limits.stop_timeout_s


def test_pods_have_no_rights_and_a_root_that_is_read_only() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    locked = {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert [container["securityContext"] for container in (*pod()["containers"], *pod()["initContainers"])] == [
        locked
    ] * 2


def test_one_replica_at_a_time_is_replaced_and_none_before_the_new_one_is_ready() -> None:
    assert manifest("Deployment")["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert manifest("PodDisruptionBudget")["maxUnavailable"] == 1
    assert manifest("HorizontalPodAutoscaler")["minReplicas"] >= 2  # one of one could never be disrupted


def test_the_autoscaler_goes_by_figures_that_the_server_exports() -> None:
    ours = {f"{PREFIX}{figure.name}" for figure in FIGURES}
    (adapter,) = documents("kubernetes/metrics-adapter.yaml")
    made = {rule["name"].get("as") or rule["name"]["matches"] for rule in adapter["rules"]}
    asked = {rule["seriesQuery"].partition("{")[0] for rule in adapter["rules"]}
    wanted = {
        rule["pods"]["metric"]["name"] for rule in manifest("HorizontalPodAutoscaler")["metrics"] if "pods" in rule
    }
    assert asked <= ours
    assert wanted == made


def test_the_ingress_lets_nobody_in_who_operates() -> None:
    (rule,) = manifest("Ingress")["rules"]
    paths = {path["path"] for path in rule["http"]["paths"]}
    assert {path for path in paths if needed_scopes("GET", path) == OPERATE} - {"/v1", "/web"} == set()
    assert {"/ws", "/", "/v1", "/web", "/api/commands", "/api/login"} <= paths
    assert paths - set(PATHS) == {"/v1", "/web"}
    assert paths & {"/metrics", "/api/status", "/api/drain", "/console"} == set()
