"""Time and date as a voice says them, here and elsewhere; pure but for the zone database of the machine."""

import zoneinfo
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache

from backends.builtin.german import MONTHS, WEEKDAYS
from backends.builtin.wording import is_german, told

# places that the zone database does not name after themselves; countries only where one zone covers them
_PLACES = {
    "Europe/London": "england|uk|united kingdom|great britain|britain|scotland|wales|manchester|großbritannien",
    "Europe/Dublin": "ireland|irland",
    "Europe/Paris": "france|lyon|marseille|nice|toulouse|frankreich",
    "Europe/Berlin": "germany|munich|hamburg|cologne|frankfurt|stuttgart|dresden|leipzig|deutschland|münchen|köln",
    "Europe/Vienna": "austria|salzburg|graz|österreich|wien",
    "Europe/Zurich": "switzerland|geneva|basel|bern|zürich|genf|schweiz",
    "Europe/Rome": "italy|milan|naples|venice|florence|turin|italien|rom|mailand|venedig|florenz|neapel",
    "Europe/Madrid": "barcelona|seville|valencia",
    "Europe/Amsterdam": "netherlands|the netherlands|holland|rotterdam|niederlande",
    "Europe/Brussels": "belgium|brüssel|belgien",
    "Europe/Copenhagen": "denmark|kopenhagen|dänemark",
    "Europe/Stockholm": "sweden|gothenburg|schweden",
    "Europe/Oslo": "norway|bergen|norwegen",
    "Europe/Helsinki": "finland|finnland",
    "Europe/Warsaw": "poland|krakow|warschau|polen",
    "Europe/Prague": "czech republic|czechia|prag|tschechien",
    "Europe/Budapest": "hungary|ungarn",
    "Europe/Athens": "greece|athen|griechenland",
    "Europe/Moscow": "moskau|saint petersburg",
    "Europe/Kyiv": "ukraine|kiev|kiew",
    "Asia/Tokyo": "japan|kyoto|osaka|tokio",
    "Asia/Seoul": "south korea|busan|südkorea",
    "Asia/Shanghai": "china|beijing|shenzhen|peking",
    "Asia/Kolkata": "india|mumbai|delhi|new delhi|bangalore|bengaluru|chennai|hyderabad|indien|kalkutta",
    "Asia/Singapore": "singapur",
    "Asia/Dubai": "united arab emirates|abu dhabi",
    "Asia/Karachi": "pakistan|lahore|islamabad",
    "Asia/Bangkok": "thailand",
    "Asia/Ho_Chi_Minh": "vietnam|hanoi|saigon|ho chi minh city",
    "Asia/Jerusalem": "israel|tel aviv",
    "Asia/Riyadh": "saudi arabia",
    "Africa/Cairo": "egypt|kairo|ägypten",
    "Africa/Johannesburg": "south africa|cape town|südafrika|kapstadt",
    "Africa/Nairobi": "kenya",
    "Africa/Lagos": "nigeria|abuja",
    "America/New_York": "new york city|washington|washington dc|boston|miami|philadelphia|atlanta|eastern time|orlando",
    "America/Chicago": "dallas|houston|austin|san antonio|new orleans|minneapolis|nashville|central time",
    "America/Denver": "salt lake city|mountain time|colorado",
    "America/Phoenix": "arizona|tucson",
    "America/Los_Angeles": "la|san francisco|seattle|san diego|portland|las vegas|california|pacific time|kalifornien",
    "America/Anchorage": "alaska",
    "Pacific/Honolulu": "hawaii",
    "America/Toronto": "ottawa|montreal|quebec",
    "America/Mexico_City": "guadalajara|mexiko stadt",
    "America/Sao_Paulo": "rio de janeiro|brasilia",
    "America/Argentina/Buenos_Aires": "argentina|argentinien",
    "America/Bogota": "colombia|kolumbien",
    "Australia/Sydney": "canberra",
    "Pacific/Auckland": "new zealand|wellington|neuseeland",
    "UTC": "utc|gmt|universal time|greenwich",
}
_AREAS = frozenset({"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"})


class PlaceError(ValueError):
    """No time zone is known for a place; the message is fit to be spoken."""


def find_zone(place: str) -> tzinfo:
    """Return the time zone of a city, a country with one zone, or an IANA name; raises ``PlaceError``."""
    key = " ".join(place.lower().replace("_", " ").replace("-", " ").replace(".", "").split())
    name = zone_names().get(key)
    if name is None and place in zoneinfo.available_timezones():
        name = place
    if name is None:
        raise PlaceError(told("I do not know the time zone of {place}", place=place.strip() or "?"))
    return zoneinfo.ZoneInfo(name)


@cache
def zone_names() -> Mapping[str, str]:
    """Return IANA names by the lower-case names of places; empty on a machine without a zone database."""
    available = zoneinfo.available_timezones()
    cities = {
        name.rpartition("/")[2].lower().replace("_", " ").replace("-", " "): name
        for name in sorted(available)
        if name.partition("/")[0] in _AREAS
    }
    others = {alias: name for name, aliases in _PLACES.items() if name in available for alias in aliases.split("|")}
    return cities | others


def time_text(now: datetime, place: str = "") -> str:
    """Return "It is 3:05 PM in Tokyo.", "In Tokio ist es 15:05 Uhr."; ``now`` is in the zone to be told."""
    if is_german():
        time = f"{now.hour}:{now:%M} Uhr" if now.minute else f"{now.hour} Uhr"
    else:
        time = f"{now.hour % 12 or 12}:{now:%M} {'AM' if now.hour < 12 else 'PM'}"  # noqa: PLR2004
    if not place.strip():
        return told("It is {time}.", time=time)
    return told("It is {time} in {place}.", time=time, place=place.strip().title())


def date_text(now: datetime, place: str = "") -> str:
    """Return "Today is Monday, November 23rd, 2026."."""
    if is_german():
        date = f"{WEEKDAYS[now.weekday()]}, der {now.day}. {MONTHS[now.month - 1]} {now.year}"
    else:
        date = f"{now:%A}, {now:%B} {now.day}{ordinal_suffix(now.day)}, {now.year}"
    if not place.strip():
        return told("Today is {date}.", date=date)
    return told("In {place} it is {date}.", date=date, place=place.strip().title())


def ordinal_suffix(number: int) -> str:
    """Return "st", "nd", "rd" or "th"."""
    if number % 100 in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
