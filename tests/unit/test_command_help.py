"""Every command says what it takes."""

import pytest

from helpers.cli import main

COMMANDS = ("report", "reports", "pdf", "demo", "trace", "months", "check", "review", "clean")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_printed(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: python -m helpers {command}" in capsys.readouterr().out
