"""The limit of open files: raised where it may be, and kept to where it may not."""

import logging
import resource
from pathlib import Path

import attrs
import pytest

from backends.ingress.descriptors import (
    HTTP_MIN,
    OTHERS,
    SHARE,
    DescriptorLimits,
    connections_within,
    fitted,
    needed_limit,
)
from config.settings import GatewaySettings
from tests.backends.ingress.ingress_fixtures import gateway_settings, websocket_settings

WEBSOCKETS = 100
HTTP = 1_000


@pytest.fixture
def settings() -> GatewaySettings:
    return gateway_settings(websocket_settings(max_connections=WEBSOCKETS), max_http_connections=HTTP)


@attrs.define
class FakeLimits:
    """The limits of a process that has twenty files open."""

    soft: int
    hard: int
    folder: Path

    def limits(self) -> DescriptorLimits:
        """Return them as the real ones are given."""
        for number in range(20):
            (self.folder / str(number)).touch()
        return DescriptorLimits(self.folder, lambda _: (self.soft, self.hard), self._set)

    def _set(self, which: int, limits: tuple[int, int]) -> None:
        assert which == resource.RLIMIT_NOFILE
        assert limits[0] <= self.hard or self.hard == resource.RLIM_INFINITY
        self.soft, self.hard = limits


def test_what_is_needed_leaves_room_below_the_mark_of_the_load_controller(settings: GatewaySettings) -> None:
    needed = needed_limit(settings, 20)
    assert (20 + OTHERS + WEBSOCKETS + HTTP) / needed <= SHARE
    assert connections_within(needed, 20, settings) == HTTP


@pytest.mark.parametrize(("limit", "count"), [(1_024, 584), (256, 54), (64, HTTP_MIN), (1_000_000, HTTP)])
def test_a_low_limit_leaves_fewer_http_connections(settings: GatewaySettings, limit: int, count: int) -> None:
    assert connections_within(limit, 20, settings) == count


def test_a_limit_that_suffices_is_left_alone(settings: GatewaySettings, tmp_path: Path) -> None:
    fake = FakeLimits(20_000, 20_000, tmp_path)
    assert fitted(settings, fake.limits()) == settings
    assert fake.soft == 20_000


@pytest.mark.parametrize("hard", [4_096, resource.RLIM_INFINITY])
def test_the_soft_limit_is_raised_as_far_as_it_must_be(
    settings: GatewaySettings, tmp_path: Path, hard: int, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeLimits(1_024, hard, tmp_path)
    assert fitted(settings, fake.limits()) == settings
    assert (fake.soft, fake.hard) == (needed_limit(settings, 20), hard)
    assert caplog.records == []


def test_where_the_hard_limit_is_too_low_there_are_fewer_connections_and_one_warning(
    settings: GatewaySettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeLimits(512, 1_024, tmp_path)
    assert fitted(settings, fake.limits()) == attrs.evolve(settings, max_http_connections=584)
    assert fake.soft == 1_024
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "max_http_connections is 584 instead of 1000: the process may open 1024 files" in record.getMessage()


def test_an_unlimited_process_has_what_it_was_set_to(settings: GatewaySettings, tmp_path: Path) -> None:
    limits = FakeLimits(resource.RLIM_INFINITY, resource.RLIM_INFINITY, tmp_path).limits()
    assert fitted(settings, attrs.evolve(limits, open_files=tmp_path / "missing")) == settings
