"""The room page: codes and people's folders become tables, and whoever is stuck is found on it."""

import random
import re
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import requests

from workshop_utils import exercises, paths
from workshop_utils.exercises import kit, solved
from workshop_utils.exercises.solved import Standing
from workshop_utils.tools import room
from workshop_utils.tools.room import Room

COUNT = len(kit.exercises(1))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "mine"))
    monkeypatch.setattr(kit.session, "chapter", None)
    return tmp_path


def nickname(number: int) -> str:
    letters = "bdfgklmnprstvz", "aeiou"
    return "".join(letters[k % 2][number // 5**k % 5] for k in range(6))


def sixty() -> dict[str, str]:
    """Who -> signs in chapter 1: most go well, three are stuck at the fourth exercise, one of them at the fifth too."""
    draw = random.Random(0)
    signs = {nickname(n): "".join(draw.choices("aab", k=draw.randint(3, 6))) for n in range(60)}
    for n, stuck in ((7, "aaa7"), (23, "aab5"), (41, "aba43")):
        signs[nickname(n)] = stuck
    return signs


def rows(page: str, caption: str) -> list[list[str]]:
    """The cells of the table with this caption, headings first."""
    table = next(part for part in page.split("<table")[1:] if caption in part)
    lines = re.findall("<tr>(.*?)</tr>", table)
    return [
        [re.sub("<.*?>", "", cell) for cell in re.findall("<t[hd].*?</t[hd]>", line)]
        for line in lines
    ]


def test_sixty_codes_show_who_is_stuck_where_and_what_to_ask():
    class_ = Room()
    class_.add("\n".join(Standing(who, 1, signs).code for who, signs in sixty().items()))
    assert class_.said == "60 codes were read."
    page = room.page(class_)
    first, second = rows(page, "Where most are stuck")[1:]
    fourth, fifth = kit.exercises(1)[3:5]
    who = f"{nickname(7)} (7), {nickname(23)} (5), {nickname(41)} (4)"
    assert [cell.replace("&#x27;", "'") for cell in first[:4]] == [
        fourth.number,
        fourth.title,
        "3",
        who,
    ]
    assert second[0] == fifth.number and second[3] == f"{nickname(41)} (3)"
    head, *grid = rows(page, "60 people.")
    assert len(head) == 4 + 60 and len(grid) == COUNT
    column = [line[head.index(nickname(41))] for line in grid]
    assert column[:6] == ["✓", "✓1", "✓", "✗4", "✗3", "·"]
    signs = sixty().values()
    assert grid[0][2:4] == ["60", str(sum(one[0] == "a" for one in signs))]


def test_people_of_a_hub_are_read_from_their_folders(folder, monkeypatch):
    for who, signs in sixty().items():
        monkeypatch.setenv("WORKSHOP_PROGRESS", str(folder / "people" / who / ".progress"))
        for record, sign in zip(kit.exercises(1), signs):
            for _ in range((solved.OPEN + solved.SOLVED).index(sign) % 10):
                solved.miss(record.number)
            if sign in solved.SOLVED:
                solved.remember(record.number)
    (folder / "people/untouched/.progress").mkdir(parents=True)
    assert Room(folder / "people").standings(1) == {
        who: signs.ljust(COUNT, "0") for who, signs in sorted(sixty().items())
    }


def test_progress_prints_a_code_once_something_is_tried_and_nothing_before(capsys):
    exercises.progress(2)
    assert "read out" not in capsys.readouterr().out
    exercises.check("2.2", 1)
    exercises.check("2.2", 2)
    exercises.check("2.2", ...)
    exercises.check("2.2", 2416)
    exercises.check("2.2", 1)  # solved is solved
    exercises.check("2.3", "nonsense")
    exercises.progress(2)
    code = capsys.readouterr().out.rpartition("how it goes: ")[2].strip()
    standing = solved.read(code)
    assert (standing.chapter, standing.signs) == (2, "0c1")
    exercises.check("1.1", "A")
    exercises.progress(1)
    other = solved.read(capsys.readouterr().out.rpartition("how it goes: ")[2].strip())
    assert other.who == standing.who  # one nickname a person
    exercises.progress(2, reset=True)
    assert "read out" not in capsys.readouterr().out


def test_newer_code_of_a_person_replaces_the_older_and_order_is_kept_by_a_new_start():
    old, new = Standing("bababa", 1, "a1").code, Standing("bababa", 1, "aa3").code
    class_ = Room()
    for code in (old, new, old, new):
        class_.add(code)
    assert class_.standings(1)["bababa"].startswith("aa3")
    assert Room().standings(1)["bababa"].startswith("aa3")


GOOD = Standing("bababa", 1, "aa3").code


@pytest.mark.parametrize(
    "hostile",
    [
        GOOD.replace("aa3", "aa4"),
        GOOD[:-1],
        GOOD.upper(),
        "<script>alert(1)</script>",
        Standing("babab<", 1, "a").code,
        Standing("bababa", 7, "a").code,
        Standing("bababa", 1, "a" * 61).code,
        Standing("bababa", 1, "a" * (COUNT + 1)).code,
        "bababa:1:aa3:" + "f" * 100_000,
        "\x00\ufffe\u202e",
    ],
)
def test_hostile_code_is_named_and_the_others_count(hostile):
    class_ = Room()
    class_.add(f"{hostile} {Standing('kokoko', 1, 'b').code}")
    assert list(class_.standings(1)) == ["kokoko"]
    assert (
        class_.said.startswith("1 codes were read. No code, one sign wrong")
        and len(class_.said) < 400
    )
    assert "<script>alert" not in room.page(class_)


def test_torn_lines_cost_only_themselves_and_the_key_forgets_all(folder):
    Room().add(f"{GOOD} {Standing('kokoko', 2, '9').code}")
    file = paths.folder() / "room.txt"
    file.write_bytes(b"\xff\xfe nonsense\n" + file.read_bytes()[:-4])  # the last line was cut
    class_ = Room()
    assert list(class_.standings(1)) == ["bababa"] and not class_.standings(2)
    (paths.folder() / "missed.txt").write_bytes(b"1.1 2\n1.2\n1.3 x\n\xff\n1.4 1234\n1.5 3")
    assert solved.signs([f"1.{n}" for n in range(1, 6)]) == "20003"
    class_.forget()
    assert not class_.standings(1) and not Room().standings(1)
    assert not file.read_text("utf-8").strip()


def test_folder_that_cannot_be_read_is_a_question_mark(folder):
    (folder / "people/anna/.progress/solved.txt").mkdir(parents=True)
    found = Room(folder / "people").standings(1)
    assert found == {"anna": "?" * COUNT} and "<td" in room.page(Room(folder / "people"))


def test_codes_stay_for_the_command_where_nothing_can_be_written(folder, monkeypatch):
    (folder / "file").touch()
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(folder / "file"))
    class_ = Room()
    class_.add(GOOD)
    assert "The codes stay until this command ends." in class_.said and class_.standings(1)
    exercises.check("2.2", 1)  # and a person gets the verdict all the same
    assert solved.standing(2, ["2.2"]) is None


@pytest.fixture
def address():
    class_ = Room()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(room.Handler, class_)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_page_takes_codes_shows_them_and_forgets_them(address):
    said = requests.post(f"{address}/add", data={"codes": GOOD})
    assert "1 codes were read." in said.text and "bababa" in said.text
    assert "All codes are forgotten" in requests.post(f"{address}/forget").text
    page = requests.get(address).text
    assert "Nobody has tried an exercise yet" in page and "://" not in page  # nothing from the web


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://elsewhere.org"}, {"Host": "elsewhere.org"}, {"Origin": "null"}]
)
def test_other_pages_neither_read_nor_write_it(address, headers):
    for path in ("/add", "/forget"):
        asked = requests.post(address + path, data={"codes": GOOD}, headers=headers)
        assert asked.status_code == 403
    assert requests.get(address, headers=headers).status_code == 404
    assert requests.post(f"{address}/add", data=b"x" * (room.PASTED_BYTES + 1)).status_code == 403
    assert "bababa" not in requests.get(address).text


def test_folder_or_port_that_cannot_be_had_is_answered(folder, address):
    options = SimpleNamespace(folder=folder / "nothing", port=0, no_browser=True)
    with pytest.raises(ValueError, match="is no folder. A hub's are in my-workshop/people"):
        room.run(options)
    options = SimpleNamespace(folder=None, port=int(address.rpartition(":")[2]), no_browser=True)
    with pytest.raises(ValueError, match="cannot be used .* Try: python -m workshop_utils room"):
        room.run(options)
