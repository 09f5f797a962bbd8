"""Tries the hub with a class that arrives at once: python deploy/jupyterhub/class_of.py [8]

Starts the hub on a free port of this computer, lets so many people log in at the same moment, and each run the first section of chapter 1 through
the kernel's websocket. Prints start times and memory, and what follows for 50 and 300 people. Needs the requirements beside it.
"""

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import nbformat
import psutil
import requests
import websocket

HERE = Path(__file__).resolve().parent
COURSE = HERE.parents[1]
SECTION = 3  # code cells of chapter 1: setup, the twenty pictures, truth and the net


def cells() -> list[str]:
    """The cells of the first section, as the notebook has them."""
    chapter = nbformat.read(next((COURSE / "notebooks").glob("01_*.ipynb")), as_version=4)
    return [cell.source for cell in chapter.cells if cell.cell_type == "code"][:SECTION]


def attend(address: str, name: str) -> dict[str, float]:
    """One person: logs in, starts a server and a kernel, runs the section. Seconds of each, from the first click on."""
    began, web = time.perf_counter(), requests.Session()
    web.get(f"{address}/hub/login")
    web.post(
        f"{address}/hub/login?next=",
        data={
            "username": name,
            "password": "class",
            "_xsrf": web.cookies.get("_xsrf", path="/hub/"),
        },
    ).raise_for_status()
    while "/user/" not in web.get(f"{address}/hub/spawn").url and time.perf_counter() - began < 240:
        time.sleep(0.5)
    base = f"{address}/user/{name}"
    while web.get(f"{base}/api/status").status_code != 200 and time.perf_counter() - began < 240:
        time.sleep(0.5)
    ready = time.perf_counter()
    web.get(f"{base}/lab")  # sets the cookie that protects what follows
    headers = {"X-XSRFToken": web.cookies.get("_xsrf", path=f"/user/{name}/")}
    kernel = web.post(
        f"{base}/api/kernels", json={"name": "python3", "path": ""}, headers=headers
    ).json()["id"]
    cookies = "; ".join(
        f"{one.name}={one.value}" for one in web.cookies if one.path in ("/", f"/user/{name}/")
    )
    line = websocket.create_connection(
        f"{base.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels",
        cookie=cookies,
        header=headers,
        timeout=300,
    )
    for source in cells():
        _execute(line, source)
    line.close()
    return {"server": ready - began, "section": time.perf_counter() - ready}


def _execute(line: websocket.WebSocket, source: str) -> None:
    number = uuid.uuid4().hex
    header = {
        "msg_id": number,
        "username": "",
        "session": number,
        "msg_type": "execute_request",
        "version": "5.3",
    }
    line.send(
        json.dumps(
            {
                "header": header,
                "parent_header": {},
                "metadata": {},
                "channel": "shell",
                "buffers": [],
                "content": {
                    "code": source,
                    "silent": False,
                    "store_history": True,
                    "user_expressions": {},
                    "allow_stdin": False,
                    "stop_on_error": True,
                },
            }
        )
    )
    while True:
        came = line.recv()
        if isinstance(came, bytes):  # a panel's picture
            continue
        came = json.loads(came)
        if came["parent_header"].get("msg_id") == number and came["msg_type"] == "execute_reply":
            if came["content"]["status"] != "ok":
                raise RuntimeError(came["content"].get("evalue", "the cell failed"))
            return


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "HUB_ADDRESS": address, "HUB_PASSWORD": "class"}
    with (
        open(HERE / "hub.log", "w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "jupyterhub_config.py")],
            env=environment,
            stdout=log,
            stderr=log,
            cwd=COURSE,
        ) as hub,
    ):
        try:
            began = time.perf_counter()
            while not _answers(f"{address}/hub/health"):
                if hub.poll() is not None or time.perf_counter() - began > 120:
                    raise SystemExit(f"The hub did not start; {HERE / 'hub.log'} says why.")
                time.sleep(0.5)
            print(f"hub ready after {time.perf_counter() - began:.0f} s")
            with ThreadPoolExecutor(people) as pool:
                times = list(
                    pool.map(lambda place: attend(address, f"person{place}"), range(people))
                )
            processes = psutil.Process(hub.pid).children(recursive=True)
            memory = {"server": [], "kernel": []}
            for process in processes:
                words = " ".join(process.cmdline())
                kind = (
                    "kernel"
                    if "ipykernel" in words
                    else "server"
                    if "singleuser" in words
                    else None
                )
                if kind:
                    memory[kind].append(process.memory_full_info().uss / 2**20)
        finally:
            hub.terminate()
    for what in ("server", "section"):
        print(
            f"{what}: median {median(one[what] for one in times):.0f} s, slowest {max(one[what] for one in times):.0f} s, {people} people at once, {os.cpu_count()} cores"
        )
    each = sum(sum(found) for found in memory.values()) / people
    print(
        f"memory a person after section 1: {each:.0f} MB ({len(memory['server'])} servers, {len(memory['kernel'])} kernels)"
    )
    for many in (50, 300):
        print(
            f"{many} people: {many * each / 1024:.0f} GB in section 1, {many * 2.0:.0f} GB if all are at the end of chapter 3 (1.8 GB a kernel, measured, and their servers)"
        )


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=2).ok
    except requests.ConnectionError:
        return False


if __name__ == "__main__":
    main()
