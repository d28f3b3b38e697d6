"""The head over the sentence embedding: trained, measured, and written with --write.

    sayso bench training --corpus FILE --held FILE            figures only
    sayso bench training --corpus FILE --held FILE --write    and backends/understanding/head.msgpack

``--corpus`` is CLINC150 as JSON lines (``text``, ``intent``, ``split``), of which the train splits are learnt and the
validation splits are measured; besides there are ``own_sentences.yaml``. What stands in a file of ``--held``, or in
another split, is never learnt, whichever class it is of.

Multinomial logistic regression with an L2 penalty, by Adam (Kingma and Ba, 2015) over all sentences at once from
zero: the same sentences give the same weights.
"""

import argparse
import hashlib
import json
import os
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec
import numpy as np
import numpy.typing as npt
import yaml

from backends.understanding.embedding_files import resolve_embedding
from backends.understanding.head import FILE, Head, HeadWeights
from backends.understanding.minilm import MiniLM
from backends.understanding.vectors import WIDTH, Floats
from bench.part import Flag, Part, Report
from bench.report import table
from bench.understanding.classes import column_of
from bench.understanding.rows import SPLITS
from config.load import load

OWN: Final = Path(__file__).with_name("own_sentences.yaml")
TARGET: Final = Path(__file__).resolve().parents[2] / "backends" / "understanding"
DRAWS: Final = 12  # sentences of each template of our own
SEED: Final = 1
BATCH: Final = 64
STEPS: Final = 300
RATE: Final = 0.1
PENALTY: Final = 3e-6
THRESHOLDS: Final = (0.4, 0.5, 0.6, 0.7, 0.8)


@attrs.frozen
class Sentence:
    """One sentence to learn or to measure with."""

    text: str
    name: str
    """Its class."""
    column: str


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Train and measure; write the weights if that is wanted."""
    rows = [json.loads(line) for line in options.corpus.read_text(encoding="utf-8").splitlines()]
    held = {_key(row["text"]) for row in rows if row["split"] not in SPLITS["train"]}
    for path in options.held or ():
        held |= {_key(json.loads(line)["text"]) for line in path.read_text(encoding="utf-8").splitlines()}
    learnt = [each for each in (*_corpus(rows, "train"), *own_sentences()) if _key(each.text) not in held]
    measured = _corpus(rows, "val")
    model = _model()
    inputs = _embedded(model, [each.text for each in learnt])
    columns = sorted({each.column for each in learnt})
    classes = {each.column: each.name for each in learnt}
    places = {column: at for at, column in enumerate(columns)}
    weights, bias = trained(inputs, np.array([places[each.column] for each in learnt]), len(columns))
    made = HeadWeights(
        tuple(classes[column] for column in columns),
        weights.astype("<f2").tobytes(),
        bias.astype("<f2").tobytes(),
    )
    figures = _figures(Head(made), _embedded(model, [each.text for each in measured]), measured)
    _print(figures, len(learnt))
    if options.write:
        _write(made, len(learnt), figures)
    yield {"learnt": len(learnt), "columns": len(columns), "figures": figures}


def trained(inputs: Floats, columns: npt.NDArray[np.int64], count: int) -> tuple[Floats, Floats]:
    """Return weights (384, count) and bias (count,) for inputs (n, 384) and their columns (n,)."""
    wanted = np.zeros((len(columns), count), np.float32)
    wanted[np.arange(len(columns)), columns] = 1
    values = np.zeros((WIDTH + 1, count), np.float32)  # the bias is the last row
    first, second = np.zeros_like(values), np.zeros_like(values)
    penalty = np.full((WIDTH + 1, 1), PENALTY, np.float32)
    penalty[-1] = 0
    ones = np.concatenate([inputs, np.ones((len(inputs), 1), np.float32)], axis=1)
    for step in range(1, STEPS + 1):
        scores = ones @ values
        powers = np.exp(scores - scores.max(1, keepdims=True))
        found = powers / powers.sum(1, keepdims=True)
        slope = ones.T @ (found - wanted) / len(inputs) + penalty * values
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope * slope
        rate = RATE * (1 - 0.999**step) ** 0.5 / (1 - 0.9**step)
        values = (values - rate * first / (np.sqrt(second) + 1e-8)).astype(np.float32)
    return values[:-1], values[-1]


# --- sentences -----------------------------------------------------------------------------------


def _corpus(rows: Sequence[Mapping[str, str]], split: str) -> list[Sentence]:
    found = [row for row in rows if row["split"] in SPLITS[split]]
    return [Sentence(row["text"], *column_of(row["intent"], row["text"])) for row in found]


def own_sentences() -> list[Sentence]:
    """Return sentences of the templates in ``own_sentences.yaml``, drawn by a fixed seed."""
    document = yaml.safe_load(OWN.read_text(encoding="utf-8"))
    rng = random.Random(SEED)
    found: dict[Sentence, None] = {}
    for name, templates in document["classes"].items():
        for template in templates:
            for _ in range(DRAWS):
                found[Sentence(drawn(template, document["lists"], rng), name, f"own:{name}")] = None
    return list(found)


def drawn(template: str, lists: Mapping[str, Sequence[str]], rng: random.Random) -> str:
    """Return one sentence of a template: ``(a|b)`` one of them, ``[a]`` perhaps, ``{name}`` one of a list."""
    text = re.sub(r"\{(\w+)\}", lambda slot: str(rng.choice(lists[slot[1]])), template)
    while found := re.search(r"\(([^\[\]()]*)\)|\[([^\[\]()]*)\]", text):
        ways = (found[1] if found[1] is not None else found[2]).split("|")
        chosen = rng.choice(ways) if found[1] is not None or rng.random() < 0.5 else ""
        text = text[: found.start()] + chosen + text[found.end() :]
    return " ".join(text.split())


def _key(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower().replace("'", "")))


def _model() -> MiniLM:
    files = resolve_embedding(load(None, os.environ, {}).settings.supervisor.models_dir)
    return MiniLM(files.weights, files.tokenizer)


def _embedded(model: MiniLM, texts: Sequence[str]) -> Floats:
    lowered = [text.lower() for text in texts]
    return np.concatenate([model.embed(lowered[at : at + BATCH]) for at in range(0, len(lowered), BATCH)])


# --- figures -------------------------------------------------------------------------------------


def _figures(head: Head, inputs: Floats, sentences: Sequence[Sentence]) -> list[dict[str, float]]:
    """Return, by threshold, how many of a class of a call are found as it, and how many others are taken for one."""
    calls = {each.name for each in own_sentences() if each.name not in NO_CALLS}
    calls |= {"get_time", "get_date", "calculate", "convert_units"}
    found = head.probabilities(inputs)
    best = [head.classes[at] for at in found.argmax(1)]
    sure = found.max(1)
    figures = []
    for threshold in THRESHOLDS:
        taken = [name if sure[at] >= threshold and name in calls else "" for at, name in enumerate(best)]
        of_calls = [at for at, each in enumerate(sentences) if each.name in calls]
        others = [at for at, each in enumerate(sentences) if each.name not in calls]
        figures.append(
            {
                "threshold": threshold,
                "calls": len(of_calls),
                "right": sum(taken[at] == sentences[at].name for at in of_calls),
                "wrong": sum(taken[at] not in ("", sentences[at].name) for at in of_calls),
                "others": len(others),
                "false": sum(taken[at] != "" for at in others),
            }
        )
    return figures


NO_CALLS: Final = frozenset(
    {"help", "volume", "news", "mail", "call", "order", "locate", "play", "control", "translate", "calendar"}
    | {"weather", "talk", "question", "none"}
)


def _print(figures: Sequence[Mapping[str, float]], learnt: int) -> None:
    table(
        f"{learnt} sentences learnt; of CLINC150's validation split, by threshold",
        ("", "of a call", "right", "wrong", "others", "false"),
        [
            (row["threshold"], *(row[name] for name in ("calls", "right", "wrong", "others", "false")))
            for row in figures
        ],
    )


def _write(made: HeadWeights, learnt: int, figures: Sequence[Mapping[str, Any]]) -> None:
    data = msgspec.msgpack.encode(made)
    (TARGET / FILE).write_bytes(data)
    at = next(row for row in figures if row["threshold"] == 0.6)
    note = NOTE.format(
        sha256=hashlib.sha256(data).hexdigest(),
        learnt=learnt,
        columns=len(made.columns),
        classes=len(set(made.columns)),
        **at,
    )
    (TARGET / "head.yaml").write_text(note, encoding="utf-8")


NOTE: Final = """# head.msgpack: weights of a linear classifier over sentence embeddings (see head.py)
sha256: {sha256}
made_by: sayso bench training --corpus FILE --held FILE --write
learnt: {learnt} sentences, {columns} columns, {classes} classes
measured: >
  on CLINC150's validation split at {threshold}: right {right} of {calls} that want a call, wrong {wrong},
  false {false} of {others} others
source: >
  The train splits of CLINC150 and sentences of our own (bench/understanding/own_sentences.yaml). CLINC150 is by Stefan
  Larson, Anish Mahendran, Joseph J. Peper, Christopher Clarke, Andrew Lee, Parker Hill, Jonathan K. Kummerfeld, Kevin
  Leach, Michael A. Laurenzano, Lingjia Tang and Jason Mars: An Evaluation Dataset for Intent Classification and
  Out-of-Scope Prediction, EMNLP-IJCNLP 2019, https://github.com/clinc/oos-eval. Its intents were put into other
  classes, and its list updates were told apart by their words. No sentence of it is in this repository.
licence: CLINC150 CC BY 3.0 (https://creativecommons.org/licenses/by/3.0/), the embedding and our own Apache-2.0
"""


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"must be a file, and there is no {text}")
    return Path(text)


PART: Final = Part(
    "training",
    measure,
    (
        Flag("--corpus", None, "CLINC150 as JSON lines", _file, {"required": True}),
        Flag("--held", None, "files of sentences that are not learnt", _file, {"nargs": "*"}),
        Flag("--write", False, "write the weights and their note"),
    ),
    ("numpy", "tokenizers"),
)
