import doctest
import importlib
import pkgutil

import pytest

import sayso_client


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(sayso_client.__path__)])
def test_the_examples_of_a_module_are_true(name: str) -> None:
    module = importlib.import_module(f"sayso_client.{name}")
    assert doctest.testmod(module).failed == 0


def test_what_the_package_offers_is_there() -> None:
    assert [name for name in sayso_client.__all__ if not hasattr(sayso_client, name)] == []
    assert sayso_client.__all__ == sorted(set(sayso_client.__all__))
