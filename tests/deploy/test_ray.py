"""The files for Ray Serve: what can be checked without Ray, and whether Ray takes the module."""

import ast
import importlib.util
import os
import subprocess
import sys
from typing import Any, Final

import pytest
import yaml

from tests.deploy.validators import DEPLOY
from tests.fakes import default_settings
from tests.source_tree import ROOT

FOLDER: Final = DEPLOY / "ray"
SOURCE: Final = FOLDER / "speech.py"


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "config.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def source() -> ast.Module:
    return ast.parse(SOURCE.read_text(encoding="utf-8"))


def constant(source: ast.Module, name: str) -> object:
    """Return the value of a constant of the module."""
    [value] = [
        node.value
        for node in source.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name
    ]
    return ast.literal_eval(value or ast.Constant(None))


def test_every_deployment_of_the_configuration_is_a_class_of_the_module(
    config: dict[str, Any], source: ast.Module
) -> None:
    [application] = config["applications"]
    assert application["import_path"] == "speech:app"
    deployed = {
        node.name
        for node in source.body
        if isinstance(node, ast.ClassDef) and "serve.deployment" in map(ast.unparse, node.decorator_list)
    }
    assert {deployment["name"] for deployment in application["deployments"]} == deployed


def test_what_is_imported_of_ours_is_there(source: ast.Module) -> None:
    for node in source.body:
        if isinstance(node, ast.ImportFrom) and node.module and (ROOT / node.module.partition(".")[0]).is_dir():
            module = importlib.import_module(node.module)
            assert not [alias.name for alias in node.names if not hasattr(module, alias.name)], node.module


def test_batches_are_those_of_our_own_queue(source: ast.Module) -> None:
    ours = default_settings().transcription
    assert constant(source, "MOST_TOGETHER") == ours.batch_size
    assert constant(source, "WAIT_S") == ours.batch_timeout_ms / 1_000


def test_a_machine_of_two_processors_has_room_for_one_replica_of_each(config: dict[str, Any]) -> None:
    deployments = config["applications"][0]["deployments"]
    least = [one.get("autoscaling_config", {}).get("min_replicas", 1) for one in deployments]
    cpus = [one["ray_actor_options"]["num_cpus"] for one in deployments]
    assert sum(count * each for count, each in zip(least, cpus, strict=True)) <= 2


def test_the_port_is_for_this_machine_unless_somebody_opens_it(config: dict[str, Any]) -> None:
    assert config["http_options"]["host"] == "127.0.0.1"


@pytest.mark.system
def test_ray_serve_takes_the_module_where_ray_is_installed() -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("there is no Ray: pip install 'ray[serve]' (490 MB)")
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
    ended = subprocess.run(
        [sys.executable, "-c", "import speech; print(speech.app)"],
        cwd=FOLDER,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
