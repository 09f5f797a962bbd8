"""The hub's configuration: what it refuses, and that nobody's notebooks are touched."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import nbformat
import pytest
from helpers import REPOSITORY

CONFIG = REPOSITORY / "deploy/jupyterhub/jupyterhub_config.py"
SECRET = "ab" * 32


def configured(monkeypatch, **settings) -> dict:
    """The names of the configuration file, read with these settings in the environment."""
    for name in ("HUB_ADDRESS", "HUB_AUTHENTICATOR", "HUB_SECRET", "HUB_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    names = {"get_config": MagicMock(), "__file__": str(CONFIG)}
    exec(compile(CONFIG.read_text("utf-8"), CONFIG, "exec"), names)
    return names


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"HUB_AUTHENTICATOR": "native"},
        {"HUB_SECRET": SECRET},
        {"HUB_AUTHENTICATOR": "dummy", "HUB_SECRET": SECRET},
        {"HUB_AUTHENTICATOR": "native", "HUB_SECRET": "short"},
    ],
)
def test_hub_does_not_listen_beyond_this_computer_without_authenticator_and_secret(
    monkeypatch, settings
):
    with pytest.raises(SystemExit, match="will not listen on http://0.0.0.0:8000"):
        configured(monkeypatch, HUB_ADDRESS="http://0.0.0.0:8000", **settings)


def test_hub_listens_on_loopback_alone_where_nothing_is_said(monkeypatch):
    assert configured(monkeypatch)["c"].JupyterHub.bind_url == "http://127.0.0.1:8000"


def test_hub_listens_beyond_with_both(monkeypatch):
    names = configured(
        monkeypatch,
        HUB_ADDRESS="http://0.0.0.0:8000",
        HUB_AUTHENTICATOR="native",
        HUB_SECRET=SECRET,
    )
    assert names["c"].JupyterHub.bind_url == "http://0.0.0.0:8000" and names[
        "c"
    ].JupyterHub.cookie_secret == bytes.fromhex(SECRET)


def test_person_gets_the_notebooks_that_are_missing_and_keeps_the_others(monkeypatch, tmp_path):
    names = configured(monkeypatch)
    names["working_copies"].__globals__["PEOPLE"] = tmp_path
    spawner = SimpleNamespace(user=SimpleNamespace(name="nadia"), environment={})
    names["working_copies"](spawner)
    chapters = sorted((tmp_path / "nadia").glob("0*.ipynb"))
    assert len(chapters) == 3 and not any(
        cell.get("outputs") for cell in nbformat.read(chapters[0], as_version=4).cells
    )
    chapters[0].write_text("my own work", "utf-8")
    chapters[1].unlink()
    names["working_copies"](spawner)
    assert chapters[0].read_text("utf-8") == "my own work" and chapters[1].is_file()
    assert spawner.environment["WORKSHOP_PROGRESS"].startswith(str(tmp_path / "nadia"))
