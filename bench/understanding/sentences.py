"""Labelled sentences: how many the server understands, and on how many it would act wrongly.

    sayso bench understanding --set FILE              our own rows, or CLINC150's validation split
    sayso bench understanding --set FILE --split test

No server runs: the sentences go to the grammar and to what decides behind it, as a turn asks them. Each row is one of

* exact: the call that was wanted, or one of several that were made, with its arguments where the row has them;
  ``confirmed`` are those before which the user is asked
* wrong: another call, or other arguments
* asked: the right tool, and something that it lacks is asked for
* named: nothing is called, and the answer names what cannot be done ("I can't order things.")
* offered: no call is wanted, and the user is asked whether one is to be made, or for what it lacks
* false: no call is wanted, and one is made at once
"""

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from backends.commands.grammar import HassilGrammar
from bench.part import Flag, Part, Report
from bench.report import table
from bench.understanding.reader import READ_ONLY, SentenceReader
from bench.understanding.rows import SPLITS, Row, programs_in, read_rows
from protocol.language.joints import pieces_of, without_lead
from protocol.language.remarks import remark_of
from protocol.language.requests import asks_for_help, missing_ability
from protocol.messages.understanding import CommandMatch
from protocol.turns.meaning import GO_ON, MeaningStep
from protocol.turns.several import Parts, parts_of

LANGUAGE: Final = "en"
MAX_SHOWN: Final = 400  # rows of a report that name what went wrong
Verdict = Literal["exact", "wrong", "asked", "named", "offered", "false", "nothing"]
COLUMNS: Final[tuple[Verdict, ...]] = ("exact", "wrong", "asked", "named", "offered", "false", "nothing")


@attrs.frozen
class Understood:
    """What a rung makes of one sentence."""

    match: CommandMatch | None = None
    more: tuple[CommandMatch, ...] = ()
    """The further commands of a sentence that holds several."""
    names_what_is_missing: bool = False
    is_confirmed: bool = False
    """Whether the user is asked before the call is made."""
    is_help: bool = False
    """Whether the user is told what can be said."""
    is_partly: bool = False
    """Whether a part of the sentence is a command and another is none: then nothing is done."""


@attrs.frozen
class Judged:
    """One row, and what became of it."""

    row: Row
    verdict: Verdict
    found: Understood
    took_ms: float


Rung = Callable[[str], Understood]


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Understand each row by each rung."""
    rows = read_rows(options.set, options.split)
    folders = [] if options.commands is None else [options.commands]
    grammar = HassilGrammar(folders, programs=programs_in(rows))
    rows = [row.only_with({command.tool for command in grammar.samples()}) for row in rows]
    rungs: dict[str, Any] = {}
    reader = None if options.rung == "grammar" else SentenceReader(grammar)
    for name, rung in _rungs(grammar, reader).items():
        judged = [_judged(row, rung) for row in rows]
        rungs[name] = _summary(judged)
        _print(f"{name}: {len(rows)} sentences of {options.set.name}", rungs[name])
        if options.wrong:
            _print_wrong(judged)
        yield {"name": f"understanding-{options.set.stem}", "rungs": rungs}


def _rungs(grammar: HassilGrammar, reader: SentenceReader | None) -> Mapping[str, Rung]:
    def exact(text: str) -> Understood:
        parts = _parts_in(grammar, text)
        several = tuple(part.match for part in parts.several if part.match is not None)
        match, *more = several or (parts.whole or grammar.match([text], LANGUAGE),)
        names_it = match is None and missing_ability(text, LANGUAGE) is not None
        return Understood(match, tuple(more), names_it, is_partly=match is None and bool(parts.partly))

    def with_meaning(text: str) -> Understood:
        found = exact(text)
        if found.match is not None or found.is_partly or remark_of(text, LANGUAGE) is not None:
            return found
        decided = reader.decide(text) if reader is not None else GO_ON
        match = None if decided.words is None else decided.words.match
        guess = None if match is None else match.guess
        is_at_once = match is not None and guess is not None and guess.is_sure and match.tool in READ_ONLY
        return Understood(
            match,
            names_what_is_missing=decided.cannot is not None or (match is None and found.names_what_is_missing),
            is_confirmed=guess is not None and not is_at_once,
            is_help=decided.step is MeaningStep.HELP,
        )

    return {"grammar": exact} if reader is None else {"grammar": exact, "grammar and meaning": with_meaning}


def _parts_in(grammar: HassilGrammar, text: str) -> Parts:
    """Return what a sentence is, as a turn finds it (``actors/turn/question.py``)."""
    if len(pieces_of(text, LANGUAGE)) <= 1 and without_lead(text, LANGUAGE) == text:
        return Parts()
    search = parts_of(text, LANGUAGE)
    try:
        asked = next(search)
        while True:
            asked = search.send(grammar.match_exactly(asked, LANGUAGE))
    except StopIteration as end:
        parts: Parts = end.value
        return parts


def _judged(row: Row, rung: Rung) -> Judged:
    started_s = time.process_time()
    found = rung(row.text)
    took_ms = 1000 * (time.process_time() - started_s)
    return Judged(row, _verdict(row, found), found, took_ms)


def _verdict(row: Row, found: Understood) -> Verdict:
    match = found.match
    if match is None:
        is_right = (row.remark is not None and remark_of(row.text, LANGUAGE) is row.remark) or (
            row.asks_for_help and (found.is_help or asks_for_help(row.text, LANGUAGE))
        )
        return "exact" if is_right else "named" if found.names_what_is_missing else "nothing"
    if not row.tools:
        is_call = match.question is None and not found.is_confirmed
        return "false" if is_call else "offered"
    if match.question is not None:
        return "asked" if match.tool in row.tools else "wrong"
    is_right = any(row.fits(each.tool, each.arguments) for each in (match, *found.more))
    return "exact" if is_right else "wrong"


# --- the report ----------------------------------------------------------------------------------


def _summary(judged: Sequence[Judged]) -> dict[str, Any]:
    wanting = [each for each in judged if each.row.tools]
    domains = dict.fromkeys(each.row.domain for each in judged)
    return {
        "a tool": _counts(wanting),
        "no tool": _counts([each for each in judged if not each.row.tools]),
        "domains": {name: _counts([each for each in judged if each.row.domain == name]) for name in sorted(domains)},
        "with tools": sorted({each.row.domain for each in wanting}),
        "cpu_ms": _spread([each.took_ms for each in judged]),
        "missed": [_missed(each) for each in judged if _is_missed(each)][:MAX_SHOWN],
    }


def _counts(judged: Sequence[Judged]) -> dict[str, int]:
    verdicts = Counter(each.verdict for each in judged)
    confirmed = sum(each.found.is_confirmed for each in judged)
    return {"rows": len(judged), **{name: verdicts[name] for name in COLUMNS}, "confirmed": confirmed}


def _is_missed(each: Judged) -> bool:
    return each.verdict in ("wrong", "offered", "false") or (bool(each.row.tools) and each.verdict != "exact")


def _missed(each: Judged) -> dict[str, Any]:
    match = each.found.match
    got = None if match is None else {"tool": match.tool, "arguments": dict(match.arguments)}
    wanted = {"tools": sorted(each.row.tools), "arguments": each.row.arguments}
    return {"text": each.row.text, "verdict": each.verdict, "got": got, "wanted": wanted}


def _spread(figures: Sequence[float]) -> dict[str, float]:
    ordered = sorted(figures)
    at = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {name: round(ordered[math.ceil(share * len(ordered)) - 1], 2) for name, share in at.items()}


def _print(title: str, summary: Mapping[str, Any]) -> None:
    shown = {name: summary["domains"][name] for name in summary["domains"]}
    if len(shown) > 2 * len(summary["with tools"]):  # CLINC's 140 other intents are one line
        shown = {name: shown[name] for name in summary["with tools"]}
    rows = {**shown, "all that want a tool": summary["a tool"], "all that want none": summary["no tool"]}
    columns = ("rows", *COLUMNS, "confirmed")
    table(title, ("", *columns), [[name, *(counts[column] for column in columns)] for name, counts in rows.items()])
    wanting, none = summary["a tool"], summary["no tool"]
    print(
        f"right {_share(wanting['exact'], wanting['rows'])},"
        f" right or asked {_share(wanting['exact'] + wanting['asked'], wanting['rows'])},"
        f" false {_share(none['false'], none['rows'])}; CPU a sentence"
        f" {summary['cpu_ms']['p50']} ms (p95 {summary['cpu_ms']['p95']}, max {summary['cpu_ms']['max']})"
    )


def _share(count: int, whole: int) -> str:
    return f"{count} of {whole} ({100 * count / max(1, whole):.1f} %)"


def _print_wrong(judged: Sequence[Judged]) -> None:
    for each in judged:
        if _is_missed(each):
            missed = _missed(each)
            print(f"  {each.verdict:<8} {each.row.text!r}: got {missed['got']}, wanted {missed['wanted']}")


def _rows_file(text: str) -> Path:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"must be a file of rows, and there is no {text}")
    return Path(text)


PART: Final = Part(
    "understanding",
    measure,
    (
        Flag("--set", None, "file with a JSON object a line", _rows_file, {"required": True}),
        Flag("--split", "val", "of CLINC150's rows", more={"choices": sorted(SPLITS)}),
        Flag("--commands", None, "folder with a user's command files", Path),
        Flag("--rung", "all", "grammar spares the model", more={"choices": ("all", "grammar")}),
        Flag("--wrong", False, "print the rows that were not understood"),
    ),
    ("hassil",),
)
