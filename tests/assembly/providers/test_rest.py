import math

from assembly.providers.rest import rest_after_s
from tests.assembly.providers.provider_fixtures import settings


def test_workers_rest_after_the_time_of_the_settings_and_never_after_0() -> None:
    assert rest_after_s(settings()) == 600.0
    assert rest_after_s(settings(supervisor__rest_after_s="0")) == math.inf
