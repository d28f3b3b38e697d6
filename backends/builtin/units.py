"""Units of measurement and how to get from one to another; pure.

A unit is a kind, a factor to that kind's base unit, and the names that people use for it. Factors are exact by
definition (international yard and pound of 1959, SI) unless the line says otherwise; US measures for volumes.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache

import attrs

from backends.builtin.wording import is_german, told


class UnitError(ValueError):
    """A unit is not known or does not fit; the message is fit to be spoken."""


@attrs.frozen
class Unit:
    """One unit."""

    name: str
    """English, singular."""
    plural: str
    german: tuple[str, str]
    """Singular and plural."""
    kind: str
    factor: Decimal
    offset: Decimal = Decimal(0)
    """Added after the factor on the way to the base unit: temperatures only."""

    def called(self, *, many: bool) -> str:
        """Return its name in the language of the request."""
        return self.german[many] if is_german() else (self.name, self.plural)[many]


def in_german(names: str, english: str) -> tuple[str, str]:
    """Return singular and plural of a unit, out of all its lower-case German names; without any it keeps its own."""
    singular, *others = (names or english).split("|")
    endings = (singular + "n" if singular.endswith("e") else singular, singular + "e")
    plural = next((other for other in others if other in endings), singular)
    return _nouns(singular), _nouns(plural)


def _nouns(words: str) -> str:
    return " ".join(word if word == "pro" else word.capitalize() for word in words.split())


# kind; then per unit: factor to the base unit, English names (singular, plural, further), German names
_TABLE: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "length": (
        ("1", "meter|meters|metre|metres|m", "meter|metern"),
        ("1000", "kilometer|kilometers|kilometre|kilometres|km|kms|k m", "kilometer|kilometern"),
        ("0.01", "centimeter|centimeters|centimetre|centimetres|cm", "zentimeter|zentimetern"),
        ("0.001", "millimeter|millimeters|millimetre|millimetres|mm", "millimeter|millimetern"),
        ("1609.344", "mile|miles|mi", "meile|meilen"),
        ("0.9144", "yard|yards|yd", "yard"),
        ("0.3048", "foot|feet|ft", "fuß|fuss"),
        ("0.0254", "inch|inches", "zoll"),
        ("1852", "nautical mile|nautical miles", "seemeile|seemeilen"),
        ("9460730472580800", "light year|light years|lightyear|lightyears", "lichtjahr|lichtjahre|lichtjahren"),
        ("0.000001", "micrometer|micrometers|micron|microns", "mikrometer|mikrometern"),
        ("0.000000001", "nanometer|nanometers", "nanometer|nanometern"),
    ),
    "mass": (
        ("1", "kilogram|kilograms|kilo|kilos|kg", "kilogramm|kilo"),
        ("0.001", "gram|grams|g", "gramm"),
        ("0.45359237", "pound|pounds|lb|lbs", "pound"),
        ("0.5", "metric pound|metric pounds", "pfund|pfunden"),
        ("0.028349523125", "ounce|ounces|oz", "unze|unzen"),
        ("6.35029318", "stone|stone|stones", ""),
        ("1000", "tonne|tonnes|metric ton|metric tons|metric tonnes", "tonne|tonnen"),
        ("907.18474", "ton|tons|short ton|short tons|us ton|us tons", ""),
        ("1016.0469088", "long ton|long tons|imperial ton|imperial tons", ""),
        ("0.000001", "milligram|milligrams|mg", "milligramm"),
    ),
    "volume": (
        ("1", "liter|liters|litre|litres|l", "liter|litern"),
        ("0.1", "deciliter|deciliters|decilitre|decilitres|dl", "deziliter|dezilitern"),
        ("0.01", "centiliter|centiliters|centilitre|centilitres|cl", "zentiliter|zentilitern"),
        ("0.001", "milliliter|milliliters|millilitre|millilitres|ml", "milliliter|millilitern"),
        ("3.785411784", "gallon|gallons", "gallone|gallonen"),
        ("0.946352946", "quart|quarts", ""),
        ("0.473176473", "pint|pints", "pint"),
        ("0.2365882365", "cup|cups", "tasse|tassen"),
        ("0.0295735295625", "fluid ounce|fluid ounces|fl oz|fluid oz", "flüssigunze|flüssigunzen"),
        ("0.01478676478125", "tablespoon|tablespoons|tbsp", "esslöffel|esslöffeln"),
        ("0.00492892159375", "teaspoon|teaspoons|tsp", "teelöffel|teelöffeln"),
    ),
    "speed": (
        ("1", "meter per second|meters per second|metres per second|m s|meters second", "meter pro sekunde"),
        (
            "0.2777777777777777777777777778",
            "kilometer per hour|kilometers per hour|kilometres per hour|km h|kmh|kph|kilometers hour",
            "kilometer pro stunde|kilometern pro stunde|stundenkilometer",
        ),
        ("0.44704", "mile per hour|miles per hour|mph|miles an hour|miles hour|mi h", "meilen pro stunde"),
        ("0.3048", "foot per second|feet per second|ft s", ""),
        ("0.5144444444444444444444444444", "knot|knots", "knoten"),
    ),
    "time": (
        ("0.001", "millisecond|milliseconds", "millisekunde|millisekunden"),
        ("1", "second|seconds|sec|secs", "sekunde|sekunden"),
        ("60", "minute|minutes|min|mins", "minute|minuten"),
        ("3600", "hour|hours|hr|hrs", "stunde|stunden"),
        ("86400", "day|days", "tag|tage|tagen"),
        ("604800", "week|weeks", "woche|wochen"),
        ("1209600", "fortnight|fortnights", ""),
        ("2628000", "month|months", "monat|monate|monaten"),  # a twelfth of a year
        ("31536000", "year|years", "jahr|jahre|jahren"),  # of the calendar, without a leap day
        ("31622400", "leap year|leap years", "schaltjahr|schaltjahre|schaltjahren"),
        ("315360000", "decade|decades", "jahrzehnt|jahrzehnte|jahrzehnten"),
        ("3153600000", "century|centuries", "jahrhundert|jahrhunderte|jahrhunderten"),
    ),
    "data": (
        ("0.125", "bit|bits", "bit|bits"),
        ("1", "byte|bytes", "byte|bytes"),
        ("1000", "kilobyte|kilobytes|kb", "kilobyte"),
        ("1000000", "megabyte|megabytes|mb", "megabyte"),
        ("1000000000", "gigabyte|gigabytes|gb", "gigabyte"),
        ("1000000000000", "terabyte|terabytes|tb", "terabyte"),
    ),
    "pressure": (
        ("1", "pascal|pascals|pa", "pascal"),
        ("100", "hectopascal|hectopascals|hpa|millibar|millibars|mbar", "hektopascal|millibar"),
        ("1000", "kilopascal|kilopascals|kpa", "kilopascal"),
        ("100000", "bar|bars", "bar"),
        ("6894.757293168361", "psi|psi|pound per square inch|pounds per square inch", "psi"),  # lb and inch are exact
        ("101325", "atmosphere|atmospheres|atm", "atmosphäre|atmosphären"),
        ("133.322387415", "millimeter of mercury|millimeters of mercury|mmhg", ""),
    ),
    "energy": (
        ("1", "joule|joules", "joule"),
        ("1000", "kilojoule|kilojoules|kj", "kilojoule"),
        ("1000000", "megajoule|megajoules|mj", "megajoule"),
        ("4.184", "calorie|calories|cal", "kalorie|kalorien"),
        ("4184", "kilocalorie|kilocalories|kcal|food calorie|food calories", "kilokalorie|kilokalorien"),
        ("3600", "watt hour|watt hours|wh", "wattstunde|wattstunden"),
        ("3600000", "kilowatt hour|kilowatt hours|kwh|kilowatthour|kilowatthours", "kilowattstunde|kilowattstunden"),
        ("1055.05585262", "British thermal unit|British thermal units|btu|btus", ""),  # of the steam table, exact
    ),
    "power": (
        ("1", "watt|watts|w", "watt"),
        ("1000", "kilowatt|kilowatts|kw", "kilowatt"),
        ("1000000", "megawatt|megawatts|mw", "megawatt"),
        ("745.69987158227", "horsepower|horsepower|hp", ""),  # 550 foot-pounds a second
        ("735.49875", "metric horsepower|metric horsepower", "pferdestärke|pferdestärken|ps"),
    ),
    "area": (
        ("1", "square meter|square meters|square metres|m²", "quadratmeter|quadratmetern"),
        ("10000", "hectare|hectares", "hektar"),
        ("4046.8564224", "acre|acres", ""),
        ("2589988.110336", "square mile|square miles", "quadratmeile|quadratmeilen"),
        ("0.09290304", "square foot|square feet|sq ft", "quadratfuß"),
        ("0.00064516", "square inch|square inches", "quadratzoll"),
        ("0.83612736", "square yard|square yards", ""),
        ("0.0001", "square centimeter|square centimeters|square centimetres|cm²", "quadratzentimeter"),
        ("1000000", "square kilometer|square kilometers|square kilometres|km²", "quadratkilometer|quadratkilometern"),
    ),
}
_ZERO_C = Decimal("273.15")
_FIFTH = Decimal(5) / Decimal(9)
_TEMPERATURES = (
    (Decimal(1), _ZERO_C, "degree Celsius|degrees Celsius|celsius|centigrade|c|degrees c", "grad celsius|celsius"),
    (Decimal(1), _ZERO_C, "degree|degrees", "grad"),
    (
        _FIFTH,
        _ZERO_C - 32 * _FIFTH,
        "degree Fahrenheit|degrees Fahrenheit|fahrenheit|f|degrees f",
        "grad fahrenheit|fahrenheit",
    ),
    (Decimal(1), Decimal(0), "kelvin|kelvin|kelvins|degrees kelvin", "kelvin"),
)


def find_unit(name: str, language: str = "en") -> Unit:
    """Return the unit of that name, spoken or written; raises ``UnitError``."""
    words = " ".join(name.lower().replace("\u00b0", " degrees ").replace("/", " ").replace("-", " ").split())
    units = _by_name(language)
    unit = units.get(words) or units.get(words.replace("degree ", "degrees "))
    if unit is None:
        raise UnitError(told("I do not know the unit {name}", name=name.strip()))
    return unit


def fitted(source: Unit, target: Unit) -> tuple[Unit, Unit]:
    """Return two units as they are meant beside each other: the ounces of a cup are fluid ones."""
    return _meant(source, target), _meant(target, source)


def _meant(unit: Unit, other: Unit) -> Unit:
    if unit.name == "ounce" and other.kind == "volume":
        return find_unit("fluid ounce")
    if unit.name == "degree":
        return find_unit("fahrenheit" if other.name == "degree Celsius" else "celsius")
    return unit


def unit_names(language: str) -> frozenset[str]:
    """Return every name of a unit, in lower case."""
    return frozenset(_by_name(language))


def unit_words(language: str) -> frozenset[str]:
    """Return the words that units are named with."""
    return frozenset(word for name in _by_name(language) for word in name.split() if len(word) > 2)  # noqa: PLR2004


def convert(value: Decimal, source: Unit, target: Unit) -> Decimal:
    """Return ``value`` in ``target``; raises ``UnitError`` if the units measure different things."""
    if source.kind != target.kind:
        raise UnitError(
            told(
                "{source} measure {kind}, but {target} measure {other}",
                source=source.called(many=True),
                kind=source.kind,
                target=target.called(many=True),
                other=target.kind,
            )
        )
    base = value * source.factor + source.offset
    return round((base - target.offset) / target.factor, 12)


@cache
def _by_name(language: str) -> Mapping[str, Unit]:
    """Return units by every name in ``language`` and in English, which wins nothing: their names do not clash."""
    found: dict[str, Unit] = {}
    for unit, english, german in _units():
        names = [*english.lower().split("|"), *(german.split("|") if language == "de" and german else ())]
        found.update(dict.fromkeys(names, unit))
    return found


def _units() -> Iterator[tuple[Unit, str, str]]:
    for kind, rows in _TABLE.items():
        for factor, english, german in rows:
            singular, plural, *_ = english.split("|")
            yield Unit(singular, plural, in_german(german, singular), kind, Decimal(factor)), english, german
    for factor_to_kelvin, offset, english, german in _TEMPERATURES:
        singular, plural, *_ = english.split("|")
        names = in_german(german, singular)
        yield Unit(singular, plural, names, "temperature", factor_to_kelvin, offset), english, german
