import zoneinfo

import pytest

from backends.builtin.places import divided_regions, folded, spoken_place, zone_names, zones_of


def test_every_place_leads_to_a_zone_of_the_database():
    zones = {zone for divided in divided_regions().values() for zone in divided}

    assert set(zone_names().values()) | zones <= zoneinfo.available_timezones()


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Iceland", "Atlantic/Reykjavik"),
        ("Ireland", "Europe/Dublin"),
        ("Island", "Atlantic/Reykjavik"),
        ("Irland", "Europe/Dublin"),
        ("Laos", "Asia/Vientiane"),
        ("Lagos", "Africa/Lagos"),
        ("Cuba", "America/Havana"),
        ("Juba", "Africa/Juba"),
        ("Kiel", "Europe/Berlin"),
        ("Kiev", "Europe/Kyiv"),
        ("the Gambia", "Africa/Banjul"),
        ("Gambier", "Pacific/Gambier"),
        ("Palma", "Europe/Madrid"),
        ("Palmer", "Antarctica/Palmer"),
        ("Niger", "Africa/Niamey"),
        ("Nigeria", "Africa/Lagos"),
        ("Slovakia", "Europe/Bratislava"),
        ("Slovenia", "Europe/Ljubljana"),
        ("Spain", "Europe/Madrid"),
        ("Peru", "America/Lima"),
        ("Portugal", "Europe/Lisbon"),
        ("Nepal", "Asia/Kathmandu"),
        ("Taiwan", "Asia/Taipei"),
        ("Philippines", "Asia/Manila"),
        ("Türkei", "Europe/Istanbul"),
        ("texas", "America/Chicago"),
        ("California", "America/Los_Angeles"),
        ("São Paulo", "America/Sao_Paulo"),
        ("sao paulo", "America/Sao_Paulo"),
        ("Bogotá", "America/Bogota"),
        ("Zürich", "Europe/Zurich"),
        ("St. Petersburg", "Europe/Moscow"),
        ("Saint Petersburg", "Europe/Moscow"),
        ("U.K.", "Europe/London"),
        ("Port-au-Prince", "America/Port-au-Prince"),
        ("Etc/GMT+3", "Etc/GMT+3"),
        ("Pacific time zone", "America/Los_Angeles"),
        ("Washington", "America/New_York"),
    ],
)
def test_a_place_has_its_own_zone(place, zone):
    assert zones_of(place) == (zone,)


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Paris, France", "Europe/Paris"),
        ("Paris in Frankreich", "Europe/Paris"),
        ("Portland, Maine", "America/New_York"),
        ("Portland, Oregon", "America/Los_Angeles"),
        ("Seattle, Washington", "America/Los_Angeles"),
        ("Sydney, Australia", "Australia/Sydney"),
        ("Sydney, Nova Scotia", "America/Halifax"),
        ("Atlanta, Georgia", "America/New_York"),
        ("Tbilisi, Georgia", "Asia/Tbilisi"),
        ("Istanbul, Turkey", "Europe/Istanbul"),
        ("New York, USA", "America/New_York"),
        ("El Paso, Texas", "America/Denver"),
        ("Houston, TX", "America/Chicago"),
        ("Springfield, Illinois", "America/Chicago"),
        ("Toronto, Canada", "America/Toronto"),
    ],
)
def test_a_city_is_told_from_others_by_its_country(place, zone):
    assert zones_of(place) == (zone,)


@pytest.mark.parametrize(
    "place", ["Narnia", "", "the", "Leon", "London, Canada", "Paris, Texas", "Paris, Narnia", "in"]
)
def test_a_place_that_is_not_known_has_no_zone(place):
    assert zones_of(place) == ()


@pytest.mark.parametrize("place", ["the United States", "Russia", "Kanada", "Georgia", "Europe", "Tennessee", "Chile"])
def test_a_divided_country_has_several_zones(place):
    assert len(zones_of(place)) > 1


@pytest.mark.parametrize(
    ("place", "language", "spoken"),
    [
        ("utc", "en", "UTC"),
        ("the uk", "en", "the UK"),
        ("netherlands", "en", "the Netherlands"),
        ("isle of man", "en", "Isle of Man"),
        ("Paris, France", "en", "Paris, France"),
        ("türkei", "de", "der Türkei"),
        ("usa", "de", "den USA"),
        ("iran", "de", "dem Iran"),
        ("tokio", "de", "Tokio"),
    ],
)
def test_a_place_is_named_as_a_sentence_names_it(place, language, spoken):
    assert spoken_place(place, language) == spoken


def test_names_are_compared_without_accents_and_signs():
    assert folded("  Saint-Étienne, (Loire) ") == "st etienne loire"
    assert folded("Groß-Gerau") == "gross gerau"


def test_a_word_that_is_a_states_code_too_makes_no_town_of_what_stands_before_it() -> None:
    assert zones_of("tell me") == ()
    assert zones_of("is it ok") == ()
    assert zones_of("springfield il") == ("America/Chicago",)
