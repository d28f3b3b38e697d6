from typing import Any

import pytest

from runtime import AutoShutdown, ChildSpec, Ref, Restart, Supervisor
from runtime.supervision.spec import check
from tests.runtime.probes import Probe, probe


def test_07_a_minimal_spec_shows_its_defaults() -> None:
    spec = ChildSpec(Ref("a"), Probe)
    assert (spec.id, spec.restart, spec.significant) == ("a", Restart.PERMANENT, False)
    assert (spec.start_timeout_s, spec.shutdown_s) == (10.0, 5.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"restart": "permanent"},
        {"start_timeout_s": 0},
        {"shutdown_s": -1},
        {"restrat": Restart.TEMPORARY},
        {"factory": "no factory"},
        {"ref": "no ref"},
        {"significant": True},
    ],
)
def test_05_an_invalid_spec_is_refused(fields: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"ref": Ref("a"), "factory": Probe} | fields
    with pytest.raises((TypeError, ValueError)):
        ChildSpec(**whole)


def test_05_ids_must_be_unique() -> None:
    with pytest.raises(ValueError, match=r"unique, these are not: a"):
        Supervisor([probe("a"), probe("b"), probe("a")])


def test_06_significant_needs_an_auto_shutdown() -> None:
    spec = probe("a", restart=Restart.TRANSIENT, significant=True)
    with pytest.raises(ValueError, match="auto_shutdown=never"):
        check([spec], AutoShutdown.NEVER)
    check([spec], AutoShutdown.ANY_SIGNIFICANT)
