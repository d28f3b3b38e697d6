"""What of Markdown, HTML and formulas is not spoken; pure.

Rules kept here:

* Of a link its text is spoken, of an address its host, of an emoji nothing.
* A cell of a table is parted from the next one by a pause.
"""

import html
import re
from typing import Final

FENCES: Final = ("```", "~~~")
"""What begins and ends a block of code."""
_LINE_START: Final = re.compile(r"\s*(?:(?:#{1,6}|[-*+\u2022\u00b7\u25aa\u2013](?: \[[ xX]\])?)\s+|>\s*(?!=))+")
_TAGS: Final = (
    "a|b|i|u|s|p|q|em|strong|br|hr|div|span|code|pre|[uo]l|li|d[ltd]|h[1-6]|table|t[rdh]|thead|tbody|su[bp]|img|small|del"
    "|ins|mark|kbd|details|summary|blockquote|font|center|section|article|abbr|cite|figure|figcaption|video|audio|input"
    "|button|label|script|style|iframe"
)
_HTML: Final = re.compile(
    rf"</?(?:{_TAGS})(?: (?:[\w-]{{1,30}}=(?:\"[^\"<>]*\"|'[^'<>]*'|[\w-]*)|checked|disabled|hidden|controls)){{0,9}}"
    r" ?/?>|<!--.{0,500}?-->",
    re.IGNORECASE,
)
_SPECIAL: Final = re.compile(r"<\|[\w ]{1,40}\|>|\[/?INST\]|</?s>")  # tokens of language models
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,30});")
_LATEX: Final = (
    (re.compile(r"\\\(|\\\)|\\\[|\\\]|\$\$"), " "),
    (re.compile(r"\$(?=[^$\n]{0,80}[\\^_={}][^$\n]{0,80}\$|[a-zA-Z]\$)([^$\n]{1,160})\$"), r"\1"),
    (re.compile(r"\\d?frac ?\{([^{}]{1,40})\} ?\{([^{}]{1,40})\}"), r"\1 / \2"),
    (re.compile(r"\\sqrt ?\{([^{}]{1,40})\}"), "\u221a \\1"),
    (re.compile(r"\\(?:text|mathrm|mathbf) ?\{([^{}]{1,80})\}"), r"\1"),
    (re.compile(r"\\(?:times|cdot)\b"), "\u00d7"),
    (re.compile(r"\\(?:leq?)\b"), "\u2264"),
    (re.compile(r"\\(?:geq?)\b"), "\u2265"),
    (re.compile(r"\\neq?\b"), "\u2260"),
    (re.compile(r"\\approx\b"), "\u2248"),
    (re.compile(r"\\pm\b"), "\u00b1"),
    (re.compile(r"\\div\b"), "\u00f7"),
    (re.compile(r"\\(?:left|right|quad|displaystyle)\b|\\[,;!]"), " "),
    (re.compile(r"(?<![\w:\\])\\([a-zA-Z]{2,12})\b"), r" \1 "),
    (re.compile(r"\\(?=[^\w\s])"), ""),  # "\*" and other signs that are no Markdown
)
_ADDRESS_END: Final = r"(?:[^\s<>()]|\([^\s<>()]*\)){0,2000}(?<![.,;:!?])"
_UNSPOKEN: Final = (
    (re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?: [\"'][^\"'()]*[\"'])?\)"), r"\1"),  # links: their text
    (re.compile(r"!?\[([^\[\]\n]{1,300})\] ?\[[^\[\]\n]{0,60}\]"), r"\1"),
    (re.compile(r"\[\^[\w-]{1,30}\]:?|(?<=[\w.,;!?)\"])\[\d{1,3}\](?!\()"), ""),  # footnotes
    (re.compile(r"<?\b(?:mailto|tel):(?=[\w+])"), ""),
    (
        re.compile(rf"<?(?:\b(?:https?|ftp|wss?)://(?:www\.)?|\bwww\.)(?:[\w.-]+@)?([\w.-]*\w){_ADDRESS_END}>?"),
        r"\1",
    ),
    (_HTML, " "),
    (_SPECIAL, " "),
    (re.compile(r"\*\*|__|~~|`|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)"), ""),
    (re.compile(r"(?<=\w)~(\w{1,9})~"), r"\1"),
    (re.compile(r"^\s*\|\s*|\s*\|\s*$"), ""),
    (re.compile(r"\s*\|+\s*"), ", "),
    (re.compile(r"(?:(?<=\s)|^)(?:[:;=]-?[)(DPp]|<3|\^_\^|:-?/)(?=\s|$|[.!?])"), ""),
    (
        re.compile(
            "[\U0001f000-\U0001faff\U000e0020-\U000e007f\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u200d\u20e3"
            "\u2122\u00ae\u200b\u2060\ufeff]"
        ),
        "",
    ),  # emoji, signs of trade marks, blanks without width
    (re.compile(r"(?<!\S)[\u2022\u00b7\u25aa](?!\S)"), ","),
)
_KEPT_ARROWS: Final = str.maketrans({"\u2794": "\u2192", "\u279c": "\u2192", "\u27a1": "\u2192", "\u2212": "-"})


def without_line_start(text: str) -> str:
    """Return a line without what marks it as a heading, a quotation or a part of a list."""
    marker = _LINE_START.match(text)
    return text if marker is None else text[marker.end() :]


def without_formulas(text: str) -> str:
    """Return a text with the formulas of LaTeX as plain ones; before powers are read, and Markdown is left out."""
    if "\\" in text or "$" in text:
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
    return text


def without_markup(text: str) -> str:
    """Return what is spoken of a piece of Markdown."""
    text = text.translate(_KEPT_ARROWS)
    for pattern, replacement in _UNSPOKEN:
        text = pattern.sub(replacement, text)
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)
