"""`kiosk-hub` as a test runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hub.cli import main


class Run:
    """The command on one configuration."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self._capsys = home, capsys
        self.toml = home / "hub.toml"
        self.toml.write_text(f'database = "sqlite:///{home}/hub.db"\nlisten = "127.0.0.1:0"\n', "utf-8")

    def __call__(self, *words: str, config: bool = True) -> tuple[int, str, str]:
        self._capsys.readouterr()
        try:
            code = main([*words, "-c", str(self.toml)] if config else [*words])
        except SystemExit as err:
            code = int(err.code or 0)
        out, err_text = self._capsys.readouterr()
        return code, out, err_text

    def wrong(self, code: int, *words: str, config: bool = True) -> str:
        """Expect a failure that is one sentence on standard error."""
        got, out, err = self(*words, config=config)
        assert got == code, (got, out, err)
        assert err.startswith("kiosk-hub"), err
        assert err.count("\n") == 1
        assert "Traceback" not in err
        assert out == ""
        return err

    def file(self, value: Any, name: str = "batches.json") -> str:
        path = self.home / name
        path.write_bytes(
            value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        )
        return str(path)
