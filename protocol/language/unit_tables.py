"""What the signs of units and currencies are called, in English and German; tables only, see ``readings.py``."""

from collections.abc import Mapping
from typing import Final


def _units(table: str) -> Mapping[str, tuple[str, str]]:
    """Return a table of lines "signs: one, many; eins, viele", signs parted by blanks, by each sign."""
    units = {}
    for line in table.strip().splitlines():
        signs, _, names = line.strip().partition(": ")
        english, _, german = names.partition("; ")
        for sign in signs.split():
            units[sign.replace("_", " ")] = (english.replace(", ", "|"), german.replace(", ", "|"))
    return units


UNITS: Final = _units("""
    km/h kph km/hr: kilometer per hour, kilometers per hour; Kilometer pro Stunde
    mph mi/h: mile per hour, miles per hour; Meile pro Stunde, Meilen pro Stunde
    kn kt kts: knot, knots; Knoten
    Mbit/s Mbps Mb/s: megabit per second, megabits per second; Megabit pro Sekunde
    Gbit/s Gbps Gb/s: gigabit per second, gigabits per second; Gigabit pro Sekunde
    kbit/s kbps: kilobit per second, kilobits per second; Kilobit pro Sekunde
    l/100_km L/100_km l/100km: liter per hundred kilometers, liters per hundred kilometers; Liter auf hundert Kilometer
    rpm: revolution per minute, revolutions per minute; Umdrehung pro Minute, Umdrehungen pro Minute
    fps: frame per second, frames per second; Bild pro Sekunde, Bilder pro Sekunde
    bpm: beat per minute, beats per minute; Schlag pro Minute, Schläge pro Minute
    mpg: mile per gallon, miles per gallon; Meile pro Gallone, Meilen pro Gallone
    psi: pound per square inch, pounds per square inch; Psi
    m/s² m/s2 m/s^2: meter per second squared, meters per second squared; Meter pro Quadratsekunde
    °C ℃ ºC: degree Celsius, degrees Celsius; Grad Celsius
    °F ℉ ºF: degree Fahrenheit, degrees Fahrenheit; Grad Fahrenheit
    ° º: degree, degrees; Grad
    % \uff05: percent, percent; Prozent
    ‰: per mille, per mille; Promille
    km² km2 km^2 sq_km: square kilometer, square kilometers; Quadratkilometer
    m² m2 m^2 sq_m sqm qm: square meter, square meters; Quadratmeter
    cm² cm2 cm^2: square centimeter, square centimeters; Quadratzentimeter
    mm² mm2 mm^2: square millimeter, square millimeters; Quadratmillimeter
    ft² ft2 ft^2 sq_ft sqft: square foot, square feet; Quadratfuß
    in² in2 in^2 sq_in: square inch, square inches; Quadratzoll
    mi² mi2 sq_mi: square mile, square miles; Quadratmeile, Quadratmeilen
    m³ m3 m^3: cubic meter, cubic meters; Kubikmeter
    cm³ cm3 cm^3 ccm: cubic centimeter, cubic centimeters; Kubikzentimeter
    km: kilometer, kilometers; Kilometer
    cm: centimeter, centimeters; Zentimeter
    mm: millimeter, millimeters; Millimeter
    µm μm: micrometer, micrometers; Mikrometer
    nm: nanometer, nanometers; Nanometer
    m: meter, meters; Meter
    ft: foot, feet; Fuß
    in: inch, inches; Zoll
    yd yds: yard, yards; Yard
    mi: mile, miles; Meile, Meilen
    ha: hectare, hectares; Hektar
    kg: kilogram, kilograms; Kilogramm
    mg: milligram, milligrams; Milligramm
    µg μg mcg: microgram, micrograms; Mikrogramm
    g: gram, grams; Gramm
    t: ton, tons; Tonne, Tonnen
    lb lbs: pound, pounds; Pfund
    oz: ounce, ounces; Unze, Unzen
    fl_oz fl._oz: fluid ounce, fluid ounces; Flüssigunze, Flüssigunzen
    ml mL: milliliter, milliliters; Milliliter
    cl cL: centiliter, centiliters; Zentiliter
    dl dL: deciliter, deciliters; Deziliter
    l L: liter, liters; Liter
    gal: gallon, gallons; Gallone, Gallonen
    qt: quart, quarts; Quart
    pt: pint, pints; Pint, Pints
    tbsp Tbsp EL: tablespoon, tablespoons; Esslöffel
    tsp TL: teaspoon, teaspoons; Teelöffel
    kcal: kilocalorie, kilocalories; Kilokalorie, Kilokalorien
    cal: calorie, calories; Kalorie, Kalorien
    kJ: kilojoule, kilojoules; Kilojoule
    J: joule, joules; Joule
    N: newton, newtons; Newton
    Nm: newton meter, newton meters; Newtonmeter
    kWh: kilowatt hour, kilowatt hours; Kilowattstunde, Kilowattstunden
    MWh: megawatt hour, megawatt hours; Megawattstunde, Megawattstunden
    Wh: watt hour, watt hours; Wattstunde, Wattstunden
    kW: kilowatt, kilowatts; Kilowatt
    MW: megawatt, megawatts; Megawatt
    GW: gigawatt, gigawatts; Gigawatt
    mW: milliwatt, milliwatts; Milliwatt
    W: watt, watts; Watt
    kV: kilovolt, kilovolts; Kilovolt
    mV: millivolt, millivolts; Millivolt
    V: volt, volts; Volt
    mAh: milliampere hour, milliampere hours; Milliamperestunde, Milliamperestunden
    Ah: ampere hour, ampere hours; Amperestunde, Amperestunden
    mA: milliampere, milliamperes; Milliampere
    A: ampere, amperes; Ampere
    Ω Ohm: ohm, ohms; Ohm
    kΩ: kiloohm, kiloohms; Kiloohm
    hp: horsepower, horsepower; PS
    PS: horsepower, horsepower; PS
    THz: terahertz, terahertz; Terahertz
    GHz: gigahertz, gigahertz; Gigahertz
    MHz: megahertz, megahertz; Megahertz
    kHz: kilohertz, kilohertz; Kilohertz
    Hz: hertz, hertz; Hertz
    PB: petabyte, petabytes; Petabyte
    TB: terabyte, terabytes; Terabyte
    GB: gigabyte, gigabytes; Gigabyte
    MB: megabyte, megabytes; Megabyte
    kB KB: kilobyte, kilobytes; Kilobyte
    TiB: tebibyte, tebibytes; Tebibyte
    GiB: gibibyte, gibibytes; Gibibyte
    MiB: mebibyte, mebibytes; Mebibyte
    KiB: kibibyte, kibibytes; Kibibyte
    MP: megapixel, megapixels; Megapixel
    px: pixel, pixels; Pixel
    dpi: dot per inch, dots per inch; Punkt pro Zoll, Punkte pro Zoll
    ppm: part per million, parts per million; Teil pro Million, Teile pro Million
    hPa: hectopascal, hectopascals; Hektopascal
    kPa: kilopascal, kilopascals; Kilopascal
    Pa: pascal, pascals; Pascal
    mbar: millibar, millibars; Millibar
    dB: decibel, decibels; Dezibel
    lm: lumen, lumens; Lumen
    lx: lux, lux; Lux
    K: kelvin, kelvins; Kelvin
    C: degree Celsius, degrees Celsius; Grad Celsius
    F: degree Fahrenheit, degrees Fahrenheit; Grad Fahrenheit
    yr yrs: year, years; Jahr, Jahre
    wk wks: week, weeks; Woche, Wochen
    h hr hrs: hour, hours; Stunde, Stunden
    Std Std. hr. hrs.: hour, hours; Stunde, Stunden
    min mins Min Min. min.: minute, minutes; Minute, Minuten
    s sec secs Sek Sek. sec.: second, seconds; Sekunde, Sekunden
    ms: millisecond, milliseconds; Millisekunde, Millisekunden
    µs μs: microsecond, microseconds; Mikrosekunde, Mikrosekunden
    ns: nanosecond, nanoseconds; Nanosekunde, Nanosekunden
""")
"""By their signs: English words, German words; one and many where they differ."""
WORDS_AS_WELL: Final = frozenset({"in", "t", "A", "K", "N", "J", "C", "F", "pt", "cal", "MP", "PS", "ha"})
"""Units that are words or letters as well: only at the end of a clause, or in front of another figure."""
NEEDS_BLANK: Final = frozenset({"t", "K", "C", "F", "A", "N", "J", "MP", "PS", "ns", "kn", "kt"})
"""Units that are something else right behind a figure: "4K"."""
PER: Final[Mapping[str, tuple[str, str]]] = {
    "day": ("day", "Tag"),
    "d": ("day", "Tag"),
    "Tag": ("day", "Tag"),
    "week": ("week", "Woche"),
    "Woche": ("week", "Woche"),
    "mo": ("month", "Monat"),
    "month": ("month", "Monat"),
    "Monat": ("month", "Monat"),
    "year": ("year", "Jahr"),
    "Jahr": ("year", "Jahr"),
    "hour": ("hour", "Stunde"),
    "Stunde": ("hour", "Stunde"),
    "night": ("night", "Nacht"),
    "person": ("person", "Person"),
    "Person": ("person", "Person"),
    "item": ("item", "Stück"),
    "Stück": ("item", "Stück"),
    "user": ("user", "Nutzer"),
    "serving": ("serving", "Portion"),
}
"""What may stand behind the stroke of "$5/month" besides a unit."""

MONEY: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("$", "USD", "US$"), ("dollar|dollars|cent|cents", "Dollar")),
    **dict.fromkeys(("€", "EUR"), ("euro|euros|cent|cents", "Euro")),
    **dict.fromkeys(("£", "GBP"), ("pound|pounds|penny|pence", "Pfund")),
    **dict.fromkeys(("¥", "JPY", "￥"), ("yen|yen||", "Yen")),
    **dict.fromkeys(("₹", "INR"), ("rupee|rupees|paisa|paise", "Rupien")),
    **dict.fromkeys(("₩", "KRW"), ("won|won||", "Won")),
    **dict.fromkeys(("₽", "RUB"), ("ruble|rubles|kopeck|kopecks", "Rubel")),
    **dict.fromkeys(("₺", "TRY"), ("lira|liras|kurus|kurus", "Lira")),
    **dict.fromkeys(("₴", "UAH"), ("hryvnia|hryvnias|kopiyka|kopiykas", "Hrywnja")),
    **dict.fromkeys(("₪", "ILS"), ("shekel|shekels|agora|agorot", "Schekel")),
    **dict.fromkeys(("฿", "THB"), ("baht|baht|satang|satang", "Baht")),
    **dict.fromkeys(("₫", "VND"), ("dong|dong||", "Dong")),
    **dict.fromkeys(("₱", "PHP"), ("peso|pesos|centavo|centavos", "Peso")),
    **dict.fromkeys(("zł", "PLN"), ("zloty|zlotys|grosz|groszy", "Zloty")),
    **dict.fromkeys(("Kč", "CZK"), ("koruna|korunas|haler|halers", "Kronen")),
    **dict.fromkeys(("R$", "BRL"), ("real|reais|centavo|centavos", "Real")),
    "CNY": ("yuan|yuan||", "Yuan"),
    "CHF": ("Swiss franc|Swiss francs|centime|centimes", "Schweizer Franken"),
    "SEK": ("Swedish krona|Swedish kronor|öre|öre", "Schwedische Kronen"),
    "NOK": ("Norwegian krone|Norwegian kroner|øre|øre", "Norwegische Kronen"),
    "DKK": ("Danish krone|Danish kroner|øre|øre", "Dänische Kronen"),
    "HUF": ("forint|forints||", "Forint"),
    "ZAR": ("rand|rand|cent|cents", "Rand"),
    "MXN": ("Mexican peso|Mexican pesos|centavo|centavos", "Mexikanische Peso"),
    **dict.fromkeys(("CA$", "C$", "CAD"), ("Canadian dollar|Canadian dollars|cent|cents", "Kanadische Dollar")),
    **dict.fromkeys(("A$", "AU$", "AUD"), ("Australian dollar|Australian dollars|cent|cents", "Australische Dollar")),
    **dict.fromkeys(("NZ$", "NZD"), ("New Zealand dollar|New Zealand dollars|cent|cents", "Neuseeland-Dollar")),
    **dict.fromkeys(("HK$", "HKD"), ("Hong Kong dollar|Hong Kong dollars|cent|cents", "Hongkong-Dollar")),
    **dict.fromkeys(("S$", "SGD"), ("Singapore dollar|Singapore dollars|cent|cents", "Singapur-Dollar")),
    "₿": ("bitcoin|bitcoins||", "Bitcoin"),
    "BTC": ("bitcoin|bitcoins||", "Bitcoin"),
    "¢": ("cent|cents||", "Cent"),
}
"""By sign or code: one, many, one small, many small; in German one word."""
SCALES: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("k", "K", "thousand", "tausend", "Tsd"), ("thousand", "tausend")),
    **dict.fromkeys(("M", "m", "mn", "mio", "Mio", "million", "Million", "Millionen"), ("million", "Millionen")),
    **dict.fromkeys(("B", "b", "bn", "bln", "Mrd", "billion", "Milliarde", "Milliarden"), ("billion", "Milliarden")),
    **dict.fromkeys(("T", "tn", "trillion", "Bio", "Billionen"), ("trillion", "Billionen")),
}
"""Behind an amount of money."""
PARTS: Final[Mapping[int, tuple[str, str, str]]] = {
    2: ("half", "halves", "halbe"),
    3: ("third", "thirds", "Drittel"),
    4: ("quarter", "quarters", "Viertel"),
    5: ("fifth", "fifths", "Fünftel"),
    6: ("sixth", "sixths", "Sechstel"),
    7: ("seventh", "sevenths", "Siebtel"),
    8: ("eighth", "eighths", "Achtel"),
    9: ("ninth", "ninths", "Neuntel"),
    10: ("tenth", "tenths", "Zehntel"),
    12: ("twelfth", "twelfths", "Zwölftel"),
    16: ("sixteenth", "sixteenths", "Sechzehntel"),
    32: ("thirty-second", "thirty-seconds", "Zweiunddreißigstel"),
    64: ("sixty-fourth", "sixty-fourths", "Vierundsechzigstel"),
    100: ("hundredth", "hundredths", "Hundertstel"),
}
"""One, many, and the German noun of fractions, by what they are divided by."""
