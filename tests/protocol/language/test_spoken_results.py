import pytest

from protocol.language.spoken_results import spoken_result


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("The lamp is on.", "The lamp is on."),
        ("", "Done."),
        ("null", "Done."),
        ('{"result":null}', "Done."),
        ('{"result":""}', "Done."),
        ('{"result":true}', "Done."),
        ("[]", "Done."),
        ('{"result":"The lamp is on."}', "The lamp is on."),
        ('{"result":21.5}', "21.5"),
        ('{"room":"kitchen","level":30}', "The answer has 2 parts."),
        ('[{"a":1},{"a":2},{"a":3}]', "The answer has 3 parts."),
        ("[image, image/png]", "Done."),
        ("[image, image/png]\n[audio, audio/wav]", "The answer has 2 parts."),
        ("[image, image/png]\nHere is your picture.", "Here is your picture."),
        ("{not json", "{not json"),
        ("[sic] he said", "[sic] he said"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_json_and_images_are_not_spoken(content: str, said: str) -> None:
    assert spoken_result(content, "en") == said


def test_it_is_told_in_the_language_of_the_session() -> None:
    assert spoken_result('{"result":null}', "de-AT") == "Erledigt."
    assert spoken_result("[1, 2]", "de") == "Die Antwort hat 2 Teile."
