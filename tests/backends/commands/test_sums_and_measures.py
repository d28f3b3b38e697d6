"""Sums and conversions as they are said, and what is answered: grammar, slots and tools together."""

import pytest

from backends.builtin.server import FORESEEN, Clock
from backends.builtin.wording import LANGUAGE, as_sentence
from backends.commands.grammar import HassilGrammar


@pytest.fixture(scope="module")
def grammar():
    return HassilGrammar(programs=["calculator"])


async def answer(grammar, text, language):
    """Return the answer, None for what is neither a sum nor a conversion."""
    match = grammar.match([text], language)
    if match is None or match.tool not in {"calculate", "convert_units"}:
        return None
    tools = Clock(lambda: 0.0)
    token = LANGUAGE.set(language)
    try:
        if match.tool == "calculate":
            return await tools.calculate(**match.arguments)
        return await tools.convert_units(**match.arguments)
    except FORESEEN as error:
        return as_sentence(str(error))
    finally:
        LANGUAGE.reset(token)


ENGLISH = [
    ("what is .5 plus .5", "That is 1."),
    ("what is .25 times 4", "That is 1."),
    ("what is point five plus point two five", "That is 0.75."),
    ("what is -.5 + 1", "That is 0.5."),
    ("convert .5 miles to kilometers", "0.5 miles are about 0.8047 kilometers."),
    ("what is (2 + 3) * 4", "That is 20."),
    ("what is 2 * (3 + 4)", "That is 14."),
    ("(10 + 20) / 3", "That is 10."),
    ("what is 3 * (2 + 2) - 1", "That is 11."),
    ("calculate ((1 + 2) * (3 + 4)) ^ 2", "That is 441."),
    ("what is -(5 + 3)", "That is -8."),
    ("what is 10 - (2 - 5)", "That is 13."),
    ("what is open bracket two plus three close bracket times four", "That is 20."),
    ("what is [2 + 3] * 4", "That is 20."),
    ("what is .75 of 100", "That is 75."),
    ("what is (2 + 3", "A bracket is not closed."),
    ("what is 2 + 3) * 4", "The calculation cannot go on with ')'."),
    ("what is 1 000 plus 1", "That is 1,001."),
    ("what is 1,234.5 plus 1", "That is 1,235.5."),
    ("what is 1.234,5 plus 1", "That is 1,235.5."),
    ("what is two point five million plus one", "That is 2,500,001."),
    ("what is half a million plus one", "That is 500,001."),
    ("what is nineteen eighty four plus one", "That is 1,985."),
    ("what is twenty twenty six minus nineteen ninety", "That is 36."),
    ("what is ten five plus one", "The calculation cannot go on with '5'."),
    ("convert 2,5 miles to kilometers", "2.5 miles are about 4.0234 kilometers."),
    ("what is negative five plus three", "That is -2."),
    ("what is 5 minus -3", "That is 8."),
    ("what is 5 percent plus 5 percent", "That is 0.1."),
    ("what is 100 plus 10 percent", "That is 110."),
    ("what is 20% off 50", "That is 40."),
    ("increase 50 by 10 percent", "That is 55."),
    ("3/4 plus 1/4", "That is 1."),
    ("what is a dozen times two", "That is 24."),
    ("what percent of 50 is 10", "That is 20."),
    ("add 5 and 7", "That is 12."),
    ("can you add five to seven please", "That is 12."),
    ("what is the sum of 3, 7, 9, and 24", "That is 43."),
    ("add up 1 and 2 and 3", "That is 6."),
    ("subtract nineteen from one hundred", "That is 81."),
    ("multiply six by nine", "That is 54."),
    ("divide 100 by 8", "That is 12.5."),
    ("what do you get when you multiply six by nine", "That is 54."),
    ("calculate the sum of 5 and 7", "That is 12."),
    ("what's the difference between 4 and 10", "That is 6."),
    ("five plus three", "That is 8."),
    ("12 x 7", "That is 84."),
    ("5+3=", "That is 8."),
    ("square root of 81", "That is 9."),
    ("what is the cube root of 27", "That is 3."),
    ("five squared", "That is 25."),
    ("two to the third power", "That is 8."),
    ("a hundred minus thirty seven", "That is 63."),
    ("what does 5 plus 7 equal", "That is 12."),
    ("tell me what 5 times 8 is", "That is 40."),
    ("what's half of 37", "That is 18.5."),
    ("a third of 90", "That is 30."),
    ("what is three quarters of one sixth", "That is 0.125."),
    ("two thirds plus one sixth", "That is about 0.8333."),
    ("what is 2 1/2 times 4", "That is 10."),
    ("what is two and two thirds times three", "That is 8."),
    ("what is 5 divided by 0", "Nothing can be divided by zero."),
    ("what is 0 divided by 0", "Nothing can be divided by zero."),
    ("what is the square root of minus 4", "A negative number has no real square root."),
    ("how many days in a year", "1 year is 365 days."),
    ("how many days are there in 10 years", "10 years are 3,650 days."),
    ("how many months are in a year", "1 year is 12 months."),
    ("how many ounces are in a cup", "1 cup is 8 fluid ounces."),
    ("how many ounces are in a gallon", "1 gallon is 128 fluid ounces."),
    ("how many ounces are in a pound", "1 pound is 16 ounces."),
    ("how many pounds are in a ton", "1 ton is 2,000 pounds."),
    ("convert 5 feet 11 inches to centimeters", "71 inches are 180.34 centimeters."),
    ("convert 5'11\" to cm", "71 inches are 180.34 centimeters."),
    ("how tall is 6 foot 2 in centimeters", "74 inches are 187.96 centimeters."),
    ("convert 100 km/h to mph", "100 kilometers per hour are about 62.1371 miles per hour."),
    ("how many milliliters in half a cup", "0.5 cups are about 118.2941 milliliters."),
    ("how many tablespoons are in three quarters of a cup", "0.75 cups are 12 tablespoons."),
    ("how many inches are in 2 1/2 feet", "2.5 feet are 30 inches."),
    ("how many seconds are in 1 hour and 30 minutes", "90 minutes are 5,400 seconds."),
    ("350 fahrenheit in celsius", "350 degrees Fahrenheit are about 176.6667 degrees Celsius."),
    ("what is 20 degrees in fahrenheit", "20 degrees Celsius are 68 degrees Fahrenheit."),
    ("convert minus 40 celsius to fahrenheit", "-40 degrees Celsius are -40 degrees Fahrenheit."),
    ("turn 8 inches into centimeters", "8 inches are 20.32 centimeters."),
    ("how many cups does a gallon hold", "1 gallon is 16 cups."),
    ("convert 5 miles to kilograms", "Miles measure length, but kilograms measure mass."),
]
GERMAN = [
    ("was ist 2 * (5 + 5)", "Das ist 20."),
    ("was ist (2 + 3) * 4", "Das ist 20."),
    ("was ist 0,5 plus ,5", "Das ist 1."),
    ("was ist Komma fünf plus eins", "Das ist 1,5."),
    ("was ist 1.234,5 plus 1", "Das ist 1.235,5."),
    ("was ist eine Million plus eins", "Das ist 1.000.001."),
    ("was ist zwei Komma fünf Millionen plus eins", "Das ist 2.500.001."),
    ("was ist neunzehnhundertvierundachtzig plus eins", "Das ist 1.985."),
    ("was ist minus fünf plus drei", "Das ist -2."),
    ("fünf plus drei", "Das ist 8."),
    ("addiere 5 und 7", "Das ist 12."),
    ("zieh neunzehn von hundert ab", "Das ist 81."),
    ("multipliziere sechs mit neun", "Das ist 54."),
    ("teile 100 durch 8", "Das ist 12,5."),
    ("was ist die Hälfte von 37", "Das ist 18,5."),
    ("was ist ein Drittel von 90", "Das ist 30."),
    ("zwei Drittel plus ein Sechstel", "Das ist etwa 0,8333."),
    ("die Wurzel aus 81", "Das ist 9."),
    ("was ist fünf zum Quadrat", "Das ist 25."),
    ("was ist 5 Prozent plus 5 Prozent", "Das ist 0,1."),
    ("was ist 5 durch 0", "Durch null kann man nicht teilen."),
    ("wie viel Gramm sind ein Pfund", "1 Pfund ist 500 Gramm."),
    ("wie viele Gramm hat ein halbes Pfund", "0,5 Pfund sind 250 Gramm."),
    ("wie viele Tage hat ein Jahr", "1 Jahr ist 365 Tage."),
    ("wie viele Tage sind in einem Jahr", "1 Jahr ist 365 Tage."),
    ("wie viele Milliliter hat eine halbe Tasse", "0,5 Tassen sind etwa 118,2941 Milliliter."),
    ("wie viel sind 5 Fuß 11 Zoll in Zentimeter", "71 Zoll sind 180,34 Zentimeter."),
    ("rechne 100 km/h in Meilen pro Stunde um", "100 Kilometer pro Stunde sind etwa 62,1371 Meilen pro Stunde."),
    ("wandle 8 Zoll in Zentimeter um", "8 Zoll sind 20,32 Zentimeter."),
    ("350 Fahrenheit in Celsius", "350 Grad Fahrenheit sind etwa 176,6667 Grad Celsius."),
]
NEITHER = [
    *("555-1234", "24/7", "11/27/2026", "2026-11-27", "ten percent", "minus 5", "a third", "half", "one two three"),
    *("12 apples plus 3", "ten five", "what is half of it", "what is a third", "add milk and 7", "take 5", "plus 5"),
    *("divide and conquer", "multiply", "take a note 5 plus 5 is ten", "the sum of all fears", "half the battle"),
    *("it is the square root of all evil", "a quarter past three", "third time lucky", "over and out", "more or less"),
    *("how many days until christmas", "turn 8 lights into a disco", "5 feet under", "convert the pdf to word"),
]


@pytest.mark.parametrize(("text", "expected"), ENGLISH)
async def test_an_english_sum_or_measure_is_answered(grammar, text, expected):
    assert await answer(grammar, text, "en") == expected


@pytest.mark.parametrize(("text", "expected"), GERMAN)
async def test_a_german_sum_or_measure_is_answered(grammar, text, expected):
    assert await answer(grammar, text, "de") == expected


@pytest.mark.parametrize("text", NEITHER)
async def test_what_only_looks_like_a_sum_is_left_alone(grammar, text):
    assert await answer(grammar, text, "en") is None


@pytest.mark.parametrize(
    ("text", "language", "seconds"),
    [
        ("set a timer for .5 hours", "en", 1_800),
        ("set a timer for point five hours", "en", 1_800),
        ("set a timer for two and a quarter hours", "en", 8_100),
        ("Stell einen Timer auf 0,5 Stunden", "de", 1_800),
        ("Stell einen Timer auf ,5 Stunden", "de", 1_800),
    ],
)
def test_a_decimal_point_counts_in_a_timer(grammar, text, language, seconds):
    assert grammar.match([text], language).arguments["seconds"] == seconds


def test_all_of_a_calculation_is_exact(grammar):
    match = grammar.match(["what is 0.1 plus 0.2"], "en")
    assert match.arguments == {"expression": "0.1 + 0.2"}
    assert match.confidence == 1.0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("set a timer for minus five minutes", "en"),
        ("set a timer for negative five minutes", "en"),
        ("set a timer for 10-15 minutes", "en"),
        ("add minus 5 minutes to the timer", "en"),
        ("stelle einen Timer auf minus fünf Minuten", "de"),
    ],
)
def test_a_sign_is_never_left_out_of_a_duration(grammar, text, language):
    assert grammar.match([text], language) is None


@pytest.mark.parametrize(
    ("text", "language", "told"),
    [
        ("7 times 8 equals", "en", "That is 56."),
        ("what is 7 times 8 equals", "en", "That is 56."),
        ("what is 20 percent off 50 dollars", "en", "That is 40."),
        ("what is $5 plus $3", "en", "That is 8."),
        ("20 is what percent of 80", "en", "That is 25."),
        ("what percentage is 20 of 80", "en", "That is 25."),
        ("15 percent tip on 60 dollars", "en", "That is 9."),
        ("10 mod 3", "en", "That is 1."),
        ("minus 7 modulo 3", "en", "That is 2."),
        ("what is 5 mod 0", "en", "Nothing can be divided by zero."),
        ("the remainder of 10 divided by 3", "en", "That is 1."),
        ("how many times does 7 go into 49", "en", "That is 7."),
        ("split 90 by 3", "en", "That is 30."),
        ("the average of 4, 6 and 8", "en", "That is 6."),
        ("what is 5 factorial", "en", "That is 120."),
        ("what is 30 factorial", "en", "A factorial is one of a whole number from 0 to 28."),
        ("what is pi times 2", "en", "That is about 6.2832."),
        ("5 dollars plus 50 cents", "en", None),
        ("was ist 7 mal 8 gleich", "de", "Das ist 56."),
        ("20 sind wie viel Prozent von 80", "de", "Das ist 25."),
        ("wie viel Prozent sind 20 von 80", "de", "Das ist 25."),
        ("der Durchschnitt von 4, 6 und 8", "de", "Das ist 6."),
        ("wie oft passt 7 in 49", "de", "Das ist 7."),
        ("was sind 20 Prozent von 80 Euro", "de", "Das ist 16."),
        ("100 kwh in joules", "en", "100 kilowatt hours are 360,000,000 joules."),
        ("30 psi to bar", "en", "30 psi are about 2.0684 bars."),
        ("1 horsepower in watts", "en", "1 horsepower is about 745.6999 watts."),
        ("100 kilocalories in kilojoules", "en", "100 kilocalories are 418.4 kilojoules."),
        ("100 PS in Kilowatt", "de", "100 Pferdestärken sind etwa 73,5499 Kilowatt."),
    ],
)
async def test_more_forms_of_sums_and_measures_are_understood(grammar, text, language, told):
    assert await answer(grammar, text, language) == told


@pytest.mark.parametrize(
    ("text", "language", "units"),
    [
        ("how do you convert pounds to grams", "en", ("pounds", "grams")),
        ("convert inch to cm", "en", ("inches", "centimeters")),
        ("what is the conversion between cups and pints", "en", ("cups", "pints")),
        ("wie rechnet man Zoll in Zentimeter um", "de", ("inches", "centimeters")),
    ],
)
def test_a_conversion_without_an_amount_is_of_one(grammar, text, language, units):
    match = grammar.match([text], language)
    assert match.arguments == {"value": 1, "from_unit": units[0], "to_unit": units[1]}
