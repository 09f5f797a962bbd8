"""Tries the hub with a class that arrives at once: python deploy/jupyterhub/class_of.py [8]

Starts a hub of its own on a free port of this computer, lets so many people sign up and log in at the same moment, and each run the first section
of chapter 1 through the kernel's websocket. Prints start times and memory, and what follows for 50 and 300 people. A hub that runs beside it is
left alone, and nothing stays. Needs the requirements beside it.
"""

import json
import os
import shutil
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import nbformat
import psutil
import requests
import websocket

HERE = Path(__file__).resolve().parent
COURSE = HERE.parents[1]
MINE = COURSE / "my-workshop"  # a folder of the course, where notebooks find it
CHAPTER = next((COURSE / "notebooks").glob("01_*.ipynb"))
SECTION = 3  # code cells of chapter 1: setup, the twenty pictures, truth and the net
PASSWORD, CODE = "correct horse 7", "chameleon"
PATIENCE = 240  # seconds


class Person:
    """Somebody at a browser."""

    def __init__(self, address: str, name: str):
        self.address, self.name, self.web = address, name, requests.Session()
        self.base = f"{address}/user/{name}"

    def post(self, page: str, **form: str) -> requests.Response:
        self.web.get(f"{self.address}{page}")
        form["_xsrf"] = self.web.cookies.get("_xsrf", path="/hub/")
        return self.web.post(f"{self.address}{page}", data=form)

    def sign_up(self, password: str = PASSWORD, code: str = CODE) -> str:
        """The page's answer."""
        again = {"signup_password": password, "signup_password_confirmation": password}
        return self.post("/hub/signup", username=self.name, class_code=code, **again).text

    def log_in(self, password: str = PASSWORD) -> requests.Response:
        return self.post("/hub/login", username=self.name, password=password)

    def start_server(self) -> None:
        until(lambda: "/user/" in self.web.get(f"{self.address}/hub/spawn").url)
        until(lambda: self.web.get(f"{self.base}/api/status").ok)
        self.web.get(f"{self.base}/lab")  # sets the cookie that protects what follows

    def run(self, cells: list[str]) -> None:
        """Runs cells in a kernel of their server. Raises RuntimeError with what a cell says that fails."""
        token = {"X-XSRFToken": self.web.cookies.get("_xsrf", path=f"/user/{self.name}/")}
        asked = {"name": "python3", "path": ""}
        kernel = self.web.post(f"{self.base}/api/kernels", json=asked, headers=token).json()["id"]
        places = ("/", f"/user/{self.name}/")
        sent = [f"{one.name}={one.value}" for one in self.web.cookies if one.path in places]
        line = websocket.create_connection(
            f"{self.base.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels",
            cookie="; ".join(sent),
            header=token,
            timeout=PATIENCE,
        )
        try:
            for source in cells:
                execute(line, source)
        finally:
            line.close()


def until(happened) -> None:
    began = time.monotonic()
    while not happened():
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(f"A person waited for their server for {PATIENCE} s.")
        time.sleep(0.5)


def execute(line: websocket.WebSocket, source: str) -> None:
    number = uuid.uuid4().hex
    kind = {"msg_type": "execute_request", "version": "5.3", "username": ""}
    content = {"code": source, "silent": False, "store_history": True, "stop_on_error": True}
    message = {
        "header": {"msg_id": number, "session": number, **kind},
        "parent_header": {},
        "metadata": {},
        "channel": "shell",
        "buffers": [],
        "content": content | {"user_expressions": {}, "allow_stdin": False},
    }
    line.send(json.dumps(message))
    while True:
        came = line.recv()
        if isinstance(came, bytes):  # a panel's picture
            continue
        came = json.loads(came)
        if came["parent_header"].get("msg_id") == number and came["msg_type"] == "execute_reply":
            if came["content"]["status"] != "ok":
                raise RuntimeError(came["content"].get("evalue", "the cell failed"))
            return


@contextmanager
def hub(**settings: str) -> Iterator[tuple[str, psutil.Process]]:
    """A hub of its own while the block runs: its address and process. Its folder goes away with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    MINE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="class-of-", dir=MINE))
    address = f"http://127.0.0.1:{port}"
    settings = {"HUB_ADDRESS": address, "HUB_FOLDER": str(folder), **settings}
    others = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    command = [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "jupyterhub_config.py")]
    log = folder / "hub.log"
    try:
        with open(log, "w") as said:
            running = psutil.Popen(
                command, env=others | settings, stdout=said, stderr=said, cwd=COURSE
            )
        try:
            until(lambda: running.poll() is not None or answers(f"{address}/hub/health"))
            if running.poll() is not None:
                raise RuntimeError(f"The hub did not start. It says:\n{log.read_text()[-2000:]}")
            yield address, running
        finally:
            end(running)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def end(running: psutil.Popen) -> None:
    """The hub, its proxy and all servers."""
    family = running.children(recursive=True) if running.is_running() else []
    running.terminate()
    for left in psutil.wait_procs([running, *family], timeout=30)[1]:
        left.kill()


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=2).ok
    except requests.RequestException:
        return False


def attend(person: Person) -> dict[str, float]:
    """Seconds from the first click to the server, and for the section."""
    began = time.perf_counter()
    person.sign_up()
    person.log_in().raise_for_status()
    person.start_server()
    ready = time.perf_counter()
    person.run(cells()[:SECTION])
    return {"server": ready - began, "section": time.perf_counter() - ready}


def cells() -> list[str]:
    """The code of chapter 1."""
    chapter = nbformat.read(CHAPTER, as_version=4)
    return [cell.source for cell in chapter.cells if cell.cell_type == "code"]


def memory(running: psutil.Process) -> dict[str, list[float]]:
    """Megabytes of each server and each kernel, without what they share."""
    found: dict[str, list[float]] = {"singleuser": [], "ipykernel": []}
    for process in running.children(recursive=True):
        words = " ".join(process.cmdline())
        for kind in found:
            if kind in words:
                found[kind].append(process.memory_full_info().uss / 2**20)
    return found


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    began = time.perf_counter()
    native = {"HUB_AUTHENTICATOR": "native", "HUB_CODE": CODE}
    with hub(**native) as (address, running), ThreadPoolExecutor(people) as pool:
        print(f"hub ready after {time.perf_counter() - began:.0f} s")
        room = [Person(address, f"person{place}") for place in range(people)]
        times = list(pool.map(attend, room))
        used = memory(running)
    for what in ("server", "section"):
        seconds = [one[what] for one in times]
        print(f"{what}: median {median(seconds):.0f} s, slowest {max(seconds):.0f} s")
    each = sum(map(sum, used.values())) / people
    servers, kernels = map(len, used.values())
    print(f"{people} people at once, {os.cpu_count()} cores, {servers} servers, {kernels} kernels")
    print(f"memory a person after section 1: {each:.0f} MB")
    for many in (50, 300):
        most = f"{many * 2.0:.0f} GB if all are at the end of chapter 3"
        print(f"{many} people: {many * each / 1024:.0f} GB in section 1, {most}")


if __name__ == "__main__":
    main()
