import pytest

from protocol.language.spoken_results import MAX_SPOKEN_CHARS, error_words, spoken_result

UNREADABLE = "I got an answer that cannot be read aloud."


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
        ("[" * 100_000, UNREADABLE),
        ("None", "Done."),
        ('"The lamp is on."', "The lamp is on."),
        ("true", "Done."),
        ("false", "No."),
        ('{"result":false}', "No."),
        ('["milk","eggs"]', "milk, eggs"),
        ('{"status":"ok","message":"The lamp is on.","code":0}', "The lamp is on."),
        ('{"error":{"code":404,"message":"There is no such lamp"}}', "There is no such lamp"),
        ('The lamp is on.\n{"state":"on"}', "The lamp is on."),
        ('Result: {"a":1,"b":[2,3]}', "The answer has 2 parts."),
        ('```json\n{"a":1,"b":2}\n```', "The answer has 2 parts."),
        ('{"a":1, "b":', UNREADABLE),
        ("{'state': 'on', 'level': 3}", UNREADABLE),
        ("[report.pdf: file:///tmp/report.pdf]", "Done."),
        ("Saved.\n[report.pdf: file:///tmp/report.pdf]", "Saved."),
        ("[resource file:///a.bin]", "Done."),
        ("<result><state>on</state></result>", "on"),
        ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==", UNREADABLE),
        ("A" * 200, UNREADABLE),
        ('{"id":"550e8400-e29b-41d4-a716-446655440000"}', "Done."),
        ('{"value": NaN}', "Done."),
        ("x is < 5 and > 3", "x is < 5 and > 3"),
    ],
)
def test_json_and_images_are_not_spoken(content: str, said: str) -> None:
    assert spoken_result(content, "en") == said


def test_it_is_told_in_the_language_of_the_session() -> None:
    assert spoken_result('{"result":null}', "de-AT") == "Erledigt."
    assert spoken_result("[1, 2]", "de") == "Die Antwort hat 2 Teile."


@pytest.mark.parametrize("content", ["It is on. " * 400, "word " * 2_000, "x" * 60 + " " + "word, " * 900])
def test_a_long_text_is_cut_and_says_so(content: str) -> None:
    said = spoken_result(content, "en")
    assert len(said) < MAX_SPOKEN_CHARS + 30
    assert said.endswith(". There is more.")


def test_what_was_cut_already_says_so() -> None:
    assert spoken_result("It is on. And [cut]", "en") == "It is on. And There is more."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Device offline\ncode 7", "Device offline code 7"),
        ('{"error":{"code":404,"message":"no such light"}}', "no such light"),
        ('{"code":7,"reason":9}', ""),
        ("[image, image/png]", ""),
        ("", ""),
    ],
)
def test_an_error_is_told_without_its_data(content: str, words: str) -> None:
    assert error_words(content) == words
