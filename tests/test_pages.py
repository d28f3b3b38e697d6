"""What the pages of the documentation say of the repository is so: links, commands and settings."""

import importlib
import re
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from bench.__main__ import PROGRAMS, resolved
from bench.part import Part
from cli import main
from config.load import load
from tests.pages import commands, fenced_blocks, links, pages, text_of
from tests.source_tree import ROOT, committed_files

THIS = Path(__file__).relative_to(ROOT)
FILES = [path.as_posix() for path in committed_files()]
PAGES = {page.as_posix(): text_of(page) for page in pages()}


def anchor(heading: str) -> str:
    """Return the name by which GitHub links to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def trouble_with_link(page: Path, link: str) -> str | None:
    target, _, fragment = link.partition("#")
    path = page.parent / target if target else page
    if not (ROOT / path).exists():
        return f"{link}: there is no {path}"
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE) if path.suffix == ".md" else []
    if fragment and fragment not in map(anchor, headings):
        return f"{link}: there is no such heading"
    return None


def trouble_with_command(arguments: Sequence[str]) -> str | None:
    """Parse a call of ``sayso`` without running it."""
    try:
        context = main.make_context("sayso", list(arguments), resilient_parsing=not arguments)
        name, command, rest = main.resolve_command(context, [*context._protected_args, *context.args])
        if command is None:
            return f"there is no {name}"
        command.make_context(name, list(rest), parent=context)
    except click.exceptions.Exit:
        return None  # --help and --version
    except click.ClickException as error:
        return error.format_message()
    return trouble_with_benchmark(rest) if name == "bench" and rest else None


def trouble_with_benchmark(arguments: Sequence[str]) -> str | None:
    if arguments[0] in {"NAME", "PROGRAM"}:
        return None
    if (found := resolved(arguments)) is None:
        return f"there is no benchmark {arguments[0]}"
    program, name, rest = found
    part: Part = importlib.import_module(PROGRAMS[program][name]).PART
    known = {"--help", "--dry", *(flag.name for flag in part.flags)}
    options = [argument.partition("=")[0] for argument in rest if argument.startswith("--")]
    return next((f"{name} has no {option}" for option in options if option not in known), None)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_within_the_repository_leads_somewhere(page: str) -> None:
    near = [link for link in links(PAGES[page]) if not re.match(r"[a-z]+:", link)]
    assert [trouble for link in near if (trouble := trouble_with_link(Path(page), link))] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_sayso_command_of_a_page_exists_with_its_options(page: str) -> None:
    shown = set(commands(PAGES[page], "sayso"))
    assert [(call, trouble) for call in sorted(shown) if (trouble := trouble_with_command(call))] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_make_command_of_a_page_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    calls = commands(PAGES[page], "make")
    named = {word for call in calls for word in call if "=" not in word and not word.startswith("-")}
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_toml_of_a_page_can_be_read_as_settings(page: str, tmp_path: Path) -> None:
    for block in fenced_blocks(PAGES[page]):
        if block.language == "toml":
            file = tmp_path / "sayso.toml"
            file.write_text(block.text, encoding="utf-8")
            load(file, {"HOME": "/home/ada"}, {})


def test_every_page_that_the_sources_name_exists() -> None:
    sources = [path for path in committed_files() if path.suffix in {".py", ".toml", ".yaml"} and path != THIS]
    named = {(page, path) for path in sources for page in re.findall(r"\bdocs/[\w/.-]*\w", (ROOT / path).read_text())}
    assert [(page, path) for page, path in sorted(named) if not any(name.startswith(page) for name in FILES)] == []


def test_a_link_into_the_void_is_noticed() -> None:
    assert trouble_with_link(Path("README.md"), "docs/nowhere.md") == "docs/nowhere.md: there is no docs/nowhere.md"
    assert trouble_with_link(Path("docs/protocol.md"), "../README.md#nothing") is not None
    assert links("[a](docs/a.md) `[b](b.md)` ![c](c.svg)") == ["docs/a.md", "c.svg"]


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ('.venv/bin/sayso say "what time is it"   # typed', None),
        ("sayso --version", None),
        ("sayso bench crowd --faults", None),
        ("sayso dance", "No such command 'dance'."),
        ("sayso status --live", "No such option '--live'."),
        ("sayso bench juggling", "there is no benchmark juggling"),
        ("sayso bench crowd --gently", "crowd has no --gently"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(line: str, trouble: str | None) -> None:
    (call,) = commands(f"    {line}\n", "sayso")
    assert trouble_with_command(call) == trouble


def test_commands_are_found_in_blocks_and_between_backquotes() -> None:
    page = "Run `sayso status` or\n\n```sh\nPORT=1 .venv/bin/sayso serve --port 9000\n```\n\n    sayso doctor # all\n"
    assert list(commands(page, "sayso")) == [("serve", "--port", "9000"), ("doctor",), ("status",)]
