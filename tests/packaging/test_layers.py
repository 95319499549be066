"""Who may import whom: the contracts of `pyproject.toml` hold, and the package is ours."""

import logging
from collections.abc import Iterator

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import daemon
from tests.support.paths import ROOT


@pytest.fixture
def loggers() -> Iterator[None]:
    """The linter turns off every logger that it finds; they are on again for the tests that follow."""
    yield
    for one in logging.Logger.manager.loggerDict.values():
        if isinstance(one, logging.Logger):
            one.disabled = False


@pytest.mark.usefixtures("loggers")
def test_every_layer_knows_only_those_below_it() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == EXIT_STATUS_SUCCESS


def test_the_package_is_ours_and_not_another_of_the_same_name() -> None:
    """PyPI's `python-daemon` installs a package named `daemon` too; pip does not refuse the two together."""
    assert daemon.__file__ == str(ROOT / "daemon" / "__init__.py")
