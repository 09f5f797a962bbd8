"""The hub: what it refuses, who gets in, and that nobody's notebooks are touched."""

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from unittest.mock import MagicMock

import nbformat
import pytest
from helpers import REPOSITORY
from tornado.web import HTTPError

from workshop_utils import paths

HUB = REPOSITORY / "deploy/jupyterhub"
CONFIG = HUB / "jupyterhub_config.py"
EVERYWHERE = "http://0.0.0.0:8000"
OPEN = {
    "HUB_ADDRESS": EVERYWHERE,
    "HUB_AUTHENTICATOR": "native",
    "HUB_SECRET": "ab" * 32,
    "HUB_CODE": "chameleon",
}


@pytest.fixture
def configured(monkeypatch, tmp_path):
    """A function from settings in the environment to the names of the configuration file."""

    def read(user: int = 1000, **settings) -> dict:
        for name in [name for name in os.environ if name.startswith("HUB_")]:
            monkeypatch.delenv(name)
        for name, value in ({"HUB_FOLDER": str(tmp_path)} | settings).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
        monkeypatch.setattr(sys, "path", [*sys.path])
        import_module("workshop_utils.tools.start")  # which reads the course's address once
        monkeypatch.setattr(paths, "HOME", tmp_path)  # the folder has to lie in the course
        names = {"get_config": MagicMock(), "__file__": str(CONFIG)}
        exec(compile(CONFIG.read_text("utf-8"), CONFIG, "exec"), names)
        return names

    return read


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        ({"HUB_AUTHENTICATOR": ""}, "HUB_AUTHENTICATOR=native"),
        ({"HUB_AUTHENTICATOR": "dummy", "HUB_PASSWORD": "long enough"}, "HUB_AUTHENTICATOR=native"),
        ({"HUB_AUTHENTICATOR": "DUMMY"}, "HUB_AUTHENTICATOR=native"),
        ({"HUB_AUTHENTICATOR": "jupyterhub.auth.DummyAuthenticator"}, "HUB_AUTHENTICATOR=native"),
        ({"HUB_AUTHENTICATOR": "Native"}, "HUB_AUTHENTICATOR=native"),
        ({"HUB_AUTHENTICATOR": "pam"}, "HUB_AUTHENTICATOR=native"),
        ({"HUB_SECRET": ""}, "HUB_SECRET"),
        ({"HUB_CODE": ""}, "HUB_CODE"),
        ({"user": 0}, "a user of its own"),
    ],
)
def test_hub_does_not_listen_beyond_this_computer_where_something_lacks(configured, change, needs):
    with pytest.raises(SystemExit, match=f"will not listen on {EVERYWHERE}.*{needs}"):
        configured(**(OPEN | change))


@pytest.mark.parametrize(
    "address",
    [
        "http://:8000",
        "http://127.0.0.1@192.168.1.7:8000",
        "http://[::]:8000",
        "http://127.0.0.1.nip.io",
    ],
)
def test_address_that_only_looks_like_this_computers_is_beyond_it(configured, address):
    with pytest.raises(SystemExit, match="will not listen on"):
        configured(HUB_ADDRESS=address)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"HUB_SECRET": "short"}, "64 signs of 0-9 and a-f; 5 signs came"),
        ({"HUB_SECRET": "zz" * 32}, "64 signs of 0-9 and a-f"),
        ({"HUB_CODE": "abc"}, "HUB_CODE has 3 signs. Take at least 8"),
        ({"HUB_ADMIN_PASSWORD": "secret"}, "HUB_ADMIN_PASSWORD has 6 signs"),
        ({"HUB_ADDRESS": "0.0.0.0:8000"}, "It begins with https://"),
        ({"HUB_ADDRESS": "https://127.0.0.1:8443"}, "HUB_CERTIFICATE and HUB_KEY"),
        ({"HUB_FOLDER": "/elsewhere"}, "HUB_FOLDER has to lie in"),
        ({"HUB_CERTIFICATE": "a.pem", "HUB_KEY": "b.pem"}, "HUB_ADDRESS is http://127.0.0.1:8000"),
    ],
)
def test_setting_that_cannot_be_meant_gets_a_sentence(configured, setting, sentence):
    with pytest.raises(SystemExit, match=sentence):
        configured(**setting)


def test_hub_listens_on_loopback_alone_where_nothing_is_said(configured):
    assert configured()["c"].JupyterHub.bind_url == "http://127.0.0.1:8000"


def test_hub_listens_beyond_with_all_of_them_over_https_too(configured):
    hub = configured(**OPEN)["c"].JupyterHub
    assert hub.bind_url == EVERYWHERE and hub.cookie_secret == bytes.fromhex("ab" * 32)
    https = {"HUB_ADDRESS": "https://0.0.0.0:8443", "HUB_CERTIFICATE": "a.pem", "HUB_KEY": "b.pem"}
    hub = configured(**OPEN | https)["c"].JupyterHub
    assert (hub.ssl_cert, hub.ssl_key) == ("a.pem", "b.pem")


@pytest.mark.parametrize("name", ["", "dummy", "DUMMY", "jupyterhub.auth.DummyAuthenticator"])
def test_dummy_has_a_password_under_each_of_its_names(configured, name, capsys):
    made = configured(HUB_AUTHENTICATOR=name)["c"].DummyAuthenticator.password
    assert len(made) >= 8 and made in capsys.readouterr().out
    assert configured(HUB_AUTHENTICATOR=name)["c"].DummyAuthenticator.password != made
    given = configured(HUB_AUTHENTICATOR=name, HUB_PASSWORD="of the class")["c"]
    assert given.DummyAuthenticator.password == "of the class"


FROM_HERE = {"Host": "localhost:8000", "X-Forwarded-For": "::ffff:127.0.0.1"}


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "192.168.1.20"},
        {"X-Forwarded-For": "203.0.113.9, 127.0.0.1"},
        {"X-Forwarded-For": "127.0.0.1,127.0.0.1"},
        {"X-Forwarded-Host": "hub.example.org"},
        {"Host": "hub.example.org"},
        {"X-Real-IP": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
    ],
)
def test_proxy_in_front_does_not_open_a_hub_of_this_computer(configured, header):
    handler = SimpleNamespace(request=SimpleNamespace(headers=FROM_HERE | header))
    with pytest.raises(HTTPError, match="serves its own computer alone. It needs HUB_AUTH"):
        configured()["admit"](None, handler, "anna")
    behind = configured(**OPEN | {"HUB_ADDRESS": "http://127.0.0.1:8000"})
    assert behind["admit"](None, handler, "anna") == "anna"
    handler.request.headers = FROM_HERE
    assert configured()["admit"](None, handler, "anna") == "anna"


def test_state_of_the_hub_lies_outside_of_peoples_folders_and_nobody_else_reads_it(
    configured, tmp_path
):
    names = configured()
    (tmp_path / "hub/hub.sqlite").chmod(0o644)
    names = configured()
    c = names["c"]
    state = [c.JupyterHub.db_url, c.JupyterHub.cookie_secret_file, c.ConfigurableHTTPProxy.pid_file]
    assert all(str(tmp_path / "hub") in str(one) for one in state)
    modes = {path: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {
        tmp_path / "hub": 0o700,
        tmp_path / "people": 0o700,
        tmp_path / "hub/hub.sqlite": 0o600,
    }


def test_person_gets_the_notebooks_that_are_missing_and_keeps_the_others(configured, tmp_path):
    names = configured()
    spawner = SimpleNamespace(user=SimpleNamespace(name="nadia"), environment={})
    names["working_copies"](spawner)
    chapters = sorted((tmp_path / "people/nadia").glob("0*.ipynb"))
    assert len(chapters) == 3 and not any(
        cell.get("outputs") for cell in nbformat.read(chapters[0], as_version=4).cells
    )
    chapters[0].write_text("my own work", "utf-8")
    chapters[1].unlink()
    names["working_copies"](spawner)
    assert chapters[0].read_text("utf-8") == "my own work" and chapters[1].is_file()
    assert spawner.environment["WORKSHOP_PROGRESS"].startswith(str(tmp_path / "people/nadia"))


def test_folder_that_cannot_be_made_becomes_the_sentence_of_the_persons_page(configured):
    spawner = SimpleNamespace(user=SimpleNamespace(name="n" * 300), environment={})
    with pytest.raises(OSError, match="cannot be written") as raised:
        configured()["working_copies"](spawner)
    assert "cannot be written" in raised.value.jupyterhub_message


LACKS = [name for name in ("jupyterhub", "nativeauthenticator", "websocket") if not find_spec(name)]
if not (HUB / "node_modules/.bin/configurable-http-proxy").exists():
    LACKS.append("configurable-http-proxy")


@pytest.mark.slow
@pytest.mark.skipif(bool(LACKS), reason=f"without {LACKS}; .ci/weekly has them")
def test_class_signs_up_logs_in_opens_chapter_1_and_nobody_else_does(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(HUB)
    from class_of import CODE, Person, cells, hub

    admin = {"HUB_ADMIN_PASSWORD": "seven green lamps"}
    with hub(HUB_AUTHENTICATOR="native", HUB_CODE=CODE, **admin) as (address, _):
        anna, long, stranger = (Person(address, name) for name in ("anna", "bob", "eve"))
        assert "not the code of this class" in stranger.sign_up(code="chameleons")
        assert "A password has 8 to 72 signs" in anna.sign_up("short")
        assert "A password has 8 to 72 signs" in long.sign_up("x" * 73)
        assert "Many people have this password" in anna.sign_up("password")
        for name in ("data", "hub.sqlite", "instructor"):
            assert f"The name {name} is taken" in Person(address, name).sign_up()
        for name in ("n" * 300, "../anna", ".hidden", "a b"):
            assert "A name has at most 40 letters" in Person(address, name).sign_up()
        assert "signup was successful" in anna.sign_up()
        assert "The name anna is taken" in Person(address, "Anna").sign_up("another word 8")
        assert stranger.log_in().status_code == 403
        for wrong in ("correct horse 8", "", "x" * 100):
            assert anna.log_in(wrong).status_code == 403
        instructor = Person(address, "instructor")
        assert instructor.log_in().status_code == 403
        assert instructor.log_in("seven green lamps").ok
        assert instructor.web.get(f"{address}/hub/admin").ok
        assert anna.log_in().ok and anna.web.get(f"{address}/hub/admin").status_code == 403
        words = dict.fromkeys(("new_password", "new_password_confirmation"), "a new word 9")
        assert "changed successfully" in instructor.post("/hub/change-password/anna", **words).text
        anna = Person(address, "anna")
        assert anna.log_in().status_code == 403 and anna.log_in("a new word 9").ok
        anna.start_server()
        chapter = anna.web.get(f"{anna.base}/api/contents/01_datasets_and_evaluation.ipynb")
        assert chapter.json()["type"] == "notebook"
        anna.run(cells()[:1])
        assert not Person(address, "eve").web.get(f"{anna.base}/api/contents").ok
        anna.web.headers["X-Forwarded-For"] = "203.0.113.9"
        assert "serves its own computer alone" in anna.log_in("a new word 9").text
