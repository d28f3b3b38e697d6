import zoneinfo

import pytest

from backends.builtin.place_tables import ALONE, CITIES, DIVIDED, REGIONS, STATE_CODES
from backends.builtin.places import zones_of


def test_every_zone_is_one_of_the_database():
    named = {*CITIES, *ALONE.values()}
    named |= {zone for table in (REGIONS, DIVIDED) for zones in table.values() for zone in zones.split()}

    assert named <= zoneinfo.available_timezones()


@pytest.mark.parametrize("table", [REGIONS, DIVIDED], ids=["regions", "divided"])
def test_no_country_stands_twice_in_a_table(table):
    names = [name for row in table for name in row.split("|")]

    assert len(names) == len(set(names))


def test_every_state_code_means_a_state_that_has_zones():
    for pair in STATE_CODES.strip("|").split("|"):
        _, state = pair.split("=")
        assert zones_of(state), state
