"""A terminal: verbs called in an empty directory."""

from collections.abc import Callable

import pytest

from daemon.cli.main import main

TOKEN = "0773137770:secret-of-the-system"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Call:
    """Run a command line in an empty directory: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path_factory.mktemp("cli"))
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("WRONG", "0773137770:not-it")
    monkeypatch.setenv("SIGNING", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["yemotd", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run
