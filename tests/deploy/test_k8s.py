"""Hold the Kubernetes manifests to the restricted Pod Security standard and to the service's own rules."""

import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mbs.config import VARIABLES
from mbs.mail.models import LEASE

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = sorted((ROOT / "deploy" / "k8s").glob("*.yaml"))
DIGEST_LENGTH = 64


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "deploy" / "k8s" / name).read_text())


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each workload's file name and pod specification."""
    for path in MANIFESTS:
        document = read(path.name)
        if document["kind"] in {"Deployment", "Job"}:
            yield path.name, document["spec"]["template"]["spec"]


def secret_references(container: dict[str, Any]) -> set[str]:
    return {entry["name"] for entry in container["env"] if "secretKeyRef" in entry.get("valueFrom", {})}


each_pod = pytest.mark.parametrize("pod", [pytest.param(pod, id=name) for name, pod in pods()])


class TestManifests:
    def test_hold_service_worker_and_migration_job(self) -> None:
        kinds = {path.name: read(path.name)["kind"] for path in MANIFESTS}
        assert kinds == {
            "deployment.yaml": "Deployment",
            "migration-job.yaml": "Job",
            "service.yaml": "Service",
            "worker.yaml": "Deployment",
        }

    def test_pass_the_strict_schema(self) -> None:
        validator = Path(sys.executable).parent / "kubernetes-validate"
        finished = subprocess.run(
            [validator, "--strict", "-k", "1.33", *MANIFESTS], capture_output=True, text=True, check=False
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr

    def test_leave_the_namespace_to_whoever_applies_them(self) -> None:
        assert [path.name for path in MANIFESTS if "namespace" in read(path.name)["metadata"]] == []

    def test_carry_the_label_that_the_runbook_selects_by(self) -> None:
        assert all(read(path.name)["metadata"]["labels"]["app"] == "mybizstream" for path in MANIFESTS)

    def test_name_one_image_by_digest(self) -> None:
        images = {container["image"] for _, pod in pods() for container in pod["containers"]}
        assert len(images) == 1
        name, separator, digest = images.pop().partition("@sha256:")
        assert separator
        assert len(digest) == DIGEST_LENGTH
        assert ":" not in name.rpartition("/")[2], "a tag can be moved; the digest alone names the image"


@each_pod
class TestPodSecurity:
    def test_runs_as_a_numeric_user_that_is_not_root(self, pod: dict[str, Any]) -> None:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}

    def test_gives_no_service_account_token(self, pod: dict[str, Any]) -> None:
        assert pod["automountServiceAccountToken"] is False

    def test_shares_nothing_with_its_host(self, pod: dict[str, Any]) -> None:
        assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(pod)
        assert all(set(volume) == {"name", "emptyDir"} for volume in pod["volumes"])

    def test_drops_all_that_a_container_may_drop(self, pod: dict[str, Any]) -> None:
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }

    def test_bounds_memory_and_processor(self, pod: dict[str, Any]) -> None:
        for container in pod["containers"]:
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert {"cpu", "memory"} <= set(container["resources"]["limits"])

    def test_names_no_secret_value(self, pod: dict[str, Any]) -> None:
        secret = {variable.name for variable in VARIABLES if variable.secret}
        for container in pod["containers"]:
            assert [e["name"] for e in container["env"] if e["name"] in secret and "value" in e] == []


class TestDeployment:
    document = read("deployment.yaml")
    pod = document["spec"]["template"]["spec"]
    web = pod["containers"][0]

    def test_keeps_its_capacity_during_a_deployment(self) -> None:
        assert self.document["spec"]["replicas"] >= 3
        assert self.document["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0

    def test_takes_every_variable_of_the_secret(self) -> None:
        # So a ..._PREVIOUS that is added while a secret is changed reaches the pods.
        assert self.web["envFrom"] == [{"secretRef": {"name": "mybizstream"}}]
        secret = {variable.name for variable in VARIABLES if variable.secret}
        assert not secret & {entry["name"] for entry in self.web["env"]}

    def test_sets_only_declared_variables(self) -> None:
        assert {entry["name"] for entry in self.web["env"]} <= {variable.name for variable in VARIABLES}

    def test_asks_liveness_without_the_database(self) -> None:
        assert self.web["startupProbe"]["httpGet"]["path"] == "/health"
        assert self.web["livenessProbe"]["httpGet"]["path"] == "/health"
        assert self.web["readinessProbe"]["httpGet"]["path"] == "/health/ready"

    def test_probes_the_port_that_the_service_listens_on(self) -> None:
        values = {entry["name"]: entry.get("value") for entry in self.web["env"]}
        port = self.web["ports"][0]
        assert str(port["containerPort"]) == values["PORT"]
        probes = [self.web[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
        assert {probe["httpGet"]["port"] for probe in probes} == {port["name"]}

    def test_waits_long_enough_for_requests_to_finish(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for entry in self.web["env"]:
            monkeypatch.setenv(entry["name"], entry.get("value", ""))
        graceful = runpy.run_path(str(ROOT / "deploy" / "gunicorn.conf.py"))["graceful_timeout"]
        before = self.web["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert before >= 5
        assert self.pod["terminationGracePeriodSeconds"] >= before + graceful + 5

    def test_is_what_the_service_selects(self) -> None:
        service = read("service.yaml")["spec"]
        labels = self.document["spec"]["template"]["metadata"]["labels"]
        assert service["selector"].items() <= labels.items()
        assert self.document["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert {port["targetPort"] for port in service["ports"]} == {p["name"] for p in self.web["ports"]}


class TestWorker:
    document = read("worker.yaml")
    pod = document["spec"]["template"]["spec"]
    worker = pod["containers"][0]

    def test_runs_the_worker(self) -> None:
        assert self.worker["args"] == ["worker"]

    def test_unseals_mails_with_the_secrets_of_the_service(self) -> None:
        assert self.worker["envFrom"] == TestDeployment.web["envFrom"]

    def test_gets_the_time_that_one_mail_may_take(self) -> None:
        assert 20 < self.pod["terminationGracePeriodSeconds"] < LEASE.total_seconds()

    def test_is_not_selected_by_the_service(self) -> None:
        labels = self.document["spec"]["template"]["metadata"]["labels"]
        assert not read("service.yaml")["spec"]["selector"].items() <= labels.items()
        assert self.document["spec"]["selector"]["matchLabels"].items() <= labels.items()


class TestMigrationJob:
    document = read("migration-job.yaml")
    pod = document["spec"]["template"]["spec"]
    migrate = pod["containers"][0]

    def test_runs_the_migrations(self) -> None:
        assert self.migrate["args"] == ["migrate"]

    def test_is_given_the_database_group_alone(self) -> None:
        assert secret_references(self.migrate) == {"DATABASE_URL", "MIGRATION_DATABASE_URL"}

    def test_keeps_the_owner_login_away_from_the_web_pods(self) -> None:
        assert "MIGRATION_DATABASE_URL" not in secret_references(TestDeployment.web)

    def test_is_not_selected_by_the_service(self) -> None:
        selector = read("service.yaml")["spec"]["selector"]
        assert not selector.items() <= self.document["spec"]["template"]["metadata"]["labels"].items()
