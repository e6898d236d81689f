"""kiosk.toml: defaults, warnings, errors that name what is wrong, and the last configuration that worked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kiosk.config import ConfigError, Settings, describe, keep_last_good, load, load_with_fallback, secret


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "kiosk.toml"
    path.write_text(text, "utf-8")
    return path


def test_every_setting_has_a_default() -> None:
    assert load(None).value == Settings()


def test_the_settings_of_the_interface_are_known(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
data_dir = "/var/lib/kiosk"
[hub]
url = "https://hub.example.cn"
[web]
listen = "127.0.0.1:8080"
tls = { cert = "a.pem", key = "b.pem" }
[printers.counter]
url = "lp:///dev/usb/lp0"
profile = "generic-58"
[printers.cloud]
url = "feie://920000001"
[feie]
user = "counter@example.test"
ukey_file = "/etc/kiosk/feie"
base_url = "https://api.feieyun.cn/Api/Open/"
[yilianyun]
client_id = "1"
client_secret_file = "/etc/kiosk/yly"
api_version = 2
[scanners.till]
url = "serial:///dev/serial/by-id/usb-x"
[displays.counter]
url = "qrview+serial:///dev/serial/by-id/usb-y"
[gpio]
factory = "lgpio"
button = 17
""",
    )
    loaded = load(path)
    assert loaded.warnings == ()
    assert list(loaded.value.printers) == ["counter", "cloud"]
    assert loaded.value.gpio.button == 17


def test_an_unknown_key_is_a_warning_that_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, '[printers.a]\nurl = "tcp://x:1"\nprofil = "x"\n[webb]\nlisten = "x"\n')
    warnings = load(path).warnings
    assert [w.split("; ")[1] for w in warnings] == ["did you mean printers.a.profile?", "did you mean web?"]
    assert all(str(path) in w for w in warnings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[web]\nlisten = "abc"\n', ["web.listen", '"abc"', "127.0.0.1:8080"]),
        ("[gpio]\nbutton = 99\n", ["gpio.button", "99", "<= 27"]),
        ('[gpio]\nfactory = "x"\n', ["gpio.factory", '"x"', '"lgpio"']),
        ('[printers.a]\nprofile = "x"\n', ["printers.a.url", "missing"]),
        ('[printers.a]\nurl = "x"\n', ["printers.a.url", '"x"']),
        ("[hub]\nurl = 3\n", ["hub.url", "3", "a text"]),
        ("[hand_out]\npool = -1\n", ["hand_out.pool", "-1", ">= 0"]),
        ("x = \n", ["not valid TOML", "line 1"]),
    ],
)
def test_a_bad_value_is_one_sentence(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    told = str(caught.value)
    assert str(path) in told
    assert "\n" not in told
    assert told.endswith(".")
    for word in words:
        assert word in told


def test_a_secret_is_never_shown_in_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, '[web]\npin = "12x"\n'))
    assert "12x" not in str(caught.value)


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    bad = tmp_path / "latin.toml"
    bad.write_bytes(b"locale = '\xe9'")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(bad)


def test_the_last_configuration_that_worked_is_used(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    path = write(tmp_path, f'data_dir = "{data}"\nlocale = "en"\n')
    keep_last_good(path, load(path).value)
    path.write_text(f'data_dir = "{data}"\nlocale = "fr"\n', "utf-8")
    loaded = load_with_fallback(path)
    assert loaded.fallback
    assert loaded.value.locale == "en"
    assert '"fr"' in loaded.warnings[0]


def test_a_kept_copy_survives_broken_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir()
    path = write(tmp_path, f'data_dir = "{data}"\nlocale = "en"\n')
    keep_last_good(path, load(path).value)
    path.write_text("data_dir = [", "utf-8")
    monkeypatch.setenv("STATE_DIRECTORY", str(data))
    assert load_with_fallback(path).value.locale == "en"


def test_without_a_kept_copy_the_error_stays(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_with_fallback(write(tmp_path, f'data_dir = "{tmp_path}"\nlocale = "fr"\n'))


def test_the_kept_copy_is_private_and_only_written_when_it_differs(tmp_path: Path) -> None:
    path = write(tmp_path, f'data_dir = "{tmp_path}"\n')
    settings = load(path).value
    keep_last_good(path, settings)
    kept = tmp_path / "last-good.toml"
    assert kept.stat().st_mode & 0o777 == 0o600
    before = kept.stat().st_ino
    keep_last_good(path, settings)
    assert kept.stat().st_ino == before


def test_secrets_come_from_files_and_stay_out_of_descriptions(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("swordfish\n", "utf-8")
    assert secret("", str(key), "feie.ukey_file") == "swordfish"
    with pytest.raises(ConfigError, match=r"feie\.ukey_file"):
        secret("", str(tmp_path / "none"), "feie.ukey_file")
    path = write(tmp_path, '[feie]\nukey = "swordfish"\n')
    assert "swordfish" not in str(describe(load(path).value))


def test_a_kept_copy_of_no_use_leaves_the_first_error(tmp_path: Path) -> None:
    (tmp_path / "last-good.toml").write_text('locale = "de"\n', "utf-8")
    with pytest.raises(ConfigError, match='"fr"'):
        load_with_fallback(write(tmp_path, f'data_dir = "{tmp_path}"\nlocale = "fr"\n'))


def test_a_copy_that_cannot_be_kept_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path, f'data_dir = "{tmp_path}/gone"\n')
    keep_last_good(path, load(path).value)
    assert f"{tmp_path}/gone/last-good.toml" in caplog.text
    assert "could not be kept" in caplog.text


def test_every_secret_is_hidden_and_everything_else_is_told(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
[web]
pin = "471147"
[feie]
user = "counter@example.test"
ukey = "swordfish"
[yilianyun]
client_id = "10"
client_secret = "marlin"
[printers.bar]
url = "tcp://shop:tunny@192.168.1.50:9100"
""",
    )
    plain = describe(load(path).value)
    told = str(plain)
    assert not [s for s in ("471147", "swordfish", "marlin", "tunny") if s in told]
    assert told.count("(set)") == 4
    assert "tcp://shop:(set)@192.168.1.50:9100" in told
    assert "counter@example.test" in told
    assert describe(load(None).value)["web"] == describe(Settings())["web"]


def test_every_setting_that_sounds_like_a_secret_is_hidden() -> None:
    """A new key or password in the settings has to be hidden too."""
    secrets = {"ukey", "client_secret", "pin", "password", "secret", "token"}
    found = {
        (section, key)
        for section, part in msgspec.to_builtins(Settings()).items()
        if isinstance(part, dict)
        for key in part
        if key in secrets
    }
    assert found == {("feie", "ukey"), ("yilianyun", "client_secret"), ("web", "pin")}
