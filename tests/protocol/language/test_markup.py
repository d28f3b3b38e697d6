"""What of Markdown, HTML and formulas is not spoken."""

import pytest

from protocol.language.markup import without_formulas, without_line_start, without_markup


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ('[docs](https://a.b/re.html#re "Title") and [x](d)', "docs and x"),
        ("[ref][1] is a fact.[2] So[^3]", "ref is a fact. So"),
        ("https://en.wikipedia.org/wiki/Foo_(bar).", "en.wikipedia.org."),
        ("See (https://user@example.com/foo), ok", "See (example.com), ok"),
        ("http://localhost:8080/api and <ftp://files.org/x>", "localhost and files.org"),
        ("mailto:joe@example.com", "joe@example.com"),
        ("&lt;b&gt; &quot;hi&quot; &#39;s AT&T &notit", '<b> "hi" \'s AT&T &notit'),
        ('<span class="x">red</span><!-- no --> wine', " red   wine"),
        ("<|im_end|>done", " done"),
        ("| a | b |", "a, b"),
        ("H~2~O", "H2O"),
        ("1\ufe0f\u20e3 \u2b50\u23f0\U0001f1e9\U0001f1ea go", "1  go"),
        ("fine :-) really ;) <3", "fine  really  "),
        ("snake_case_name", "snake_case_name"),
    ],
)
def test_only_what_can_be_heard_is_left(written: str, spoken: str) -> None:
    assert without_markup(written) == spoken


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("$x^2$", "x^2"),
        ("$5 and $6", "$5 and $6"),
        ("$$\\frac{a}{b}$$", " a / b "),
        ("\\(2 \\times 3\\)", " 2 \u00d7 3 "),
        ("\\alpha", " alpha "),
        ("C:\\Users\\me", "C:\\Users\\me"),
        ("2 \\* 3", "2 * 3"),
    ],
)
def test_formulas_become_plain(written: str, plain: str) -> None:
    assert without_formulas(written) == plain


@pytest.mark.parametrize("line", ["# Title", "- Title", "> Title", "* [x] Title", "\u2022 Title", "> > Title"])
def test_marks_of_a_line_are_left_out(line: str) -> None:
    assert without_line_start(line) == "Title"


def test_a_comparison_is_no_quotation() -> None:
    assert without_line_start(">= 5") == ">= 5"
