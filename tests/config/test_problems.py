from config.problems import ConfigError, Problem


def test_an_error_holds_every_problem_on_a_line_of_its_own() -> None:
    error = ConfigError([Problem("sayso.toml:3", "bad"), Problem("SAYSO_X", "worse")])
    assert str(error).splitlines() == ["sayso.toml:3: bad", "SAYSO_X: worse"]
    assert len(error.problems) == 2
