import gc

import pytest

from assembly.providers import shared_stores
from assembly.providers.provider import Extra
from assembly.providers.shared_stores import MissingExtra, findings, replica_name, shared_store
from backends.shared.guarded import GuardedShared
from tests.assembly.providers.provider_fixtures import settings

NOWHERE = "redis://127.0.0.1:1/0"


def test_nothing_is_shared_unless_the_settings_have_an_address() -> None:
    assert shared_store(settings(), lambda _: None) is None
    assert [(finding.state, finding.text) for finding in findings(settings())] == [
        ("ok", "not used (shared.url is empty)")
    ]


def test_a_store_has_the_deadline_of_the_settings() -> None:
    made = shared_store(settings(shared__url=NOWHERE, shared__timeout_ms="20"), lambda _: None)
    assert isinstance(made, GuardedShared)
    assert made.deadline_s == 0.02


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_stores, "EXTRA", Extra("redis", "no_such_module"))
    wanted = settings(shared__url=NOWHERE)
    with pytest.raises(MissingExtra, match=r"pip install 'sayso\[redis\]'"):
        shared_store(wanted, lambda _: None)
    assert [(finding.state, finding.fix) for finding in findings(wanted)] == [("fail", "pip install 'sayso[redis]'")]


def test_a_replica_has_a_name_of_its_own() -> None:
    assert replica_name(settings(shared__replica="a")) == "a"
    assert replica_name(settings(gateway__port="8001")) != replica_name(settings(gateway__port="8002"))


@pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning")
def test_a_redis_that_is_not_there_is_a_warning() -> None:
    (found,) = findings(settings(shared__url=NOWHERE))
    gc.collect()  # what coredis does not close
    assert found.state == "warn"
    assert "127.0.0.1:1" in found.text
