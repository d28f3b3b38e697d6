"""The phone's app in ``mobile/``: pinned, without a registry's name, and of the protocol that the server speaks.

Its own tests run with ``make mobile``: what they need is large, and no part of ``make test``.
"""

import json
import re
import tomllib
from typing import Final

from protocol.messages.events import ConnectionAccepted
from tests.source_tree import ROOT, committed_files

MOBILE: Final = ROOT / "mobile"
MADE: Final = ("android", "ios", "dist", "public", "node_modules", ".expo")


def test_what_npm_brings_for_the_app_is_pinned_and_its_lock_names_no_registry() -> None:
    package = json.loads((MOBILE / "package.json").read_text(encoding="utf-8"))
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert {name: version for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)} == {}
    lock = (MOBILE / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    locked = json.loads(lock)["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in versions} == versions
    assert [name for name, entry in locked.items() if name and not ({"integrity", "inBundle"} & set(entry))] == []


def test_the_app_knows_the_protocol_of_the_server() -> None:
    source = (MOBILE / "src" / "model" / "trouble.ts").read_text(encoding="utf-8")
    [known] = re.findall(r"^export const PROTOCOL = (\d+);$", source, re.MULTILINE)
    [field] = [field for field in ConnectionAccepted.__attrs_attrs__ if field.name == "protocol"]
    assert int(known) == field.default


def test_nothing_that_is_made_of_the_app_is_committed() -> None:
    assert [path for path in committed_files() if path.parts[0] == "mobile" and path.parts[1] in MADE] == []


def test_the_package_for_servers_has_no_app_in_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "mobile" not in project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
