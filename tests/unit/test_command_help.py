"""Every command says what it takes."""

import pytest

from helpers.cli import main

COMMANDS = ("report", "reports", "pdf", "demo", "trace", "months", "check", "review", "clean")


def test_without_a_command_the_commands_are_listed(capsys):
    assert main([]) == 2
    shown = capsys.readouterr().err
    assert "run one trust's series and write its report" in shown
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_printed(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: python -m helpers {command}" in capsys.readouterr().out
