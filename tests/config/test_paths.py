from pathlib import Path

from config import paths


def test_homes_follow_their_variables() -> None:
    environ = {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/k"}
    assert paths.config_home(environ) == Path("/c/sayso")
    assert paths.data_home(environ) == Path("/d/sayso")
    assert paths.models_home(environ) == Path("/k/sayso/models")


def test_relative_homes_are_ignored() -> None:
    assert paths.data_home({"HOME": "/h", "XDG_DATA_HOME": "data"}) == Path("/h/.local/share/sayso")


def test_a_file_in_the_folder_comes_before_the_users(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "home")}
    folder = tmp_path / "here"
    folder.mkdir()
    assert paths.find_config(environ, folder) is None
    users = paths.config_home(environ) / "sayso.toml"
    users.parent.mkdir(parents=True)
    users.touch()
    assert paths.find_config(environ, folder) == users
    (folder / "sayso.toml").touch()
    assert paths.find_config(environ, folder) == folder / "sayso.toml"
