"""Settings are read strictly and hide passwords; the commands that read them are in the README."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.settings import Settings

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_a_password_is_never_printed() -> None:
    settings = Settings.model_validate({"database_url": "postgresql+psycopg://me:secret@localhost/x"})
    assert "secret" not in repr(settings)


def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVIDENCE_DATABSE_URL", "x")
    with pytest.raises(ValueError, match="nearest: EVIDENCE_DATABASE_URL"):
        Settings()


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="database_ulr"):
        Settings.model_validate({"database_ulr": "x"})


@pytest.mark.parametrize("command", ["serve", "migrate", "load", "check", "rebuild"])
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"evidence {command}" in README
