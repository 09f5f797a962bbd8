"""Serves downloaded data sets and packages to the room, so that nobody needs the internet.

Only whole, published files are served, and nothing can be written. Attendees check every file's sum again.
"""

import io
import os
import re
import socket
import time
from contextlib import suppress
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import BoundedSemaphore, active_count
from urllib.parse import quote, unquote

from workshop_utils import data
from workshop_utils.data.download import is_whole

# A question is there by then, however its bytes drip; sooner where half of all lines are taken.
QUESTION_SECONDS, SECONDS_IN_A_CROWD, QUESTION_BYTES = 45, 5, 1 << 16
SILENT_SECONDS = 60  # a line on which nothing moves for so long is closed
# also what a line may hold on its way: else the system calls minutes of a slow one silence
PIECE = 1 << 16
LINES = 200  # at once; who comes later waits
ANYWHERE = "::" if socket.has_dualstack_ipv6() else ""  # both families, where there are two


def add_arguments(parser) -> None:
    folder = "the folder that `download` filled; if not given, WORKSHOP_DATA or the cache folder"
    parser.add_argument("folder", type=Path, nargs="?", help=folder)
    parser.add_argument("--port", type=int, default=8000)


def run(options) -> int:
    folder = options.folder or data.data_home()
    files = served(folder)
    if not files:
        command = "python -m workshop_utils download --all"
        raise ValueError(f"'{folder}' holds no published file. Fill it with: {command}")
    try:
        server = Server((ANYWHERE, options.port), partial(Handler, files))
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"Port {options.port} cannot be used ({getattr(error, 'strerror', None) or error}); perhaps another mirror still runs. "
            f"Take another one: python -m workshop_utils mirror {folder} --port 8001"
        ) from None
    where = f"WORKSHOP_MIRROR={address(server.server_address[1])} before they start JupyterLab"
    print(f"Serving {contents(files)}. Attendees set {where}. Ctrl+C stops it.", flush=True)
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()
    print("The mirror has stopped.")
    return 0


def served(folder: Path) -> dict[str, Path]:
    """Address path -> file, for every published file below the folder that is whole, and for the packages in wheels/."""
    sets = {
        f"/{card.name}/{file.name}": path
        for card in data.catalog()
        for file in card.files
        if (path := folder / card.name / file.name).is_file() and is_whole(path, file)
    }
    wheels = folder / "wheels"
    return sets | {
        f"/wheels/{path.name}": path
        for path in sorted(wheels.glob("*.whl"))
        if path.is_file() and path.resolve().parent == wheels.resolve() and path.name[0] != "."
    }


def contents(files: dict[str, Path]) -> str:
    """How many sets are there with all of their files, of those that could be, and how many packages."""
    sets = [card for card in data.catalog() if card.files]
    whole = sum(all(f"/{card.name}/{file.name}" in files for file in card.files) for card in sets)
    wheels = sum(name.startswith("/wheels/") for name in files)
    return f"{whole} of {len(sets)} data sets, {wheels} packages"


def address(port: int) -> str:
    """This computer's address in the local network."""
    for family, far in ((socket.AF_INET, "10.255.255.255"), (socket.AF_INET6, "2001:db8::1")):
        # sends nothing; it only asks the system which of its addresses would be used
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 1))
            host = probe.getsockname()[0]
            return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return f"http://127.0.0.1:{port}"


class Server(ThreadingTCPServer):
    """A thread a line, and no more lines than a laptop can hold."""

    address_family = socket.AF_INET6 if ANYWHERE else socket.AF_INET
    allow_reuse_address = os.name != "nt"  # Windows would share a port that is taken
    daemon_threads, request_queue_size = True, 128
    lines = BoundedSemaphore(LINES)

    def server_bind(self) -> None:
        if ANYWHERE:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def process_request(self, *line) -> None:
        self.lines.acquire()
        super().process_request(*line)

    def process_request_thread(self, *line) -> None:
        try:
            super().process_request_thread(*line)
        finally:
            self.lines.release()

    def handle_error(self, *line) -> None:
        """Silent as well: somebody closed the lid in a file's middle."""


class Question(io.RawIOBase):
    """What somebody asks: it has an end in time and in bytes."""

    def __init__(self, line: socket.socket):
        patience = SECONDS_IN_A_CROWD if active_count() > LINES / 2 else QUESTION_SECONDS
        self.line, self.end, self.left = line, time.monotonic() + patience, QUESTION_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, room) -> int:
        self.line.settimeout(max(self.end - time.monotonic(), 0.001))
        count = self.line.recv_into(memoryview(room)[: self.left])
        self.left -= count
        return count


class Handler(BaseHTTPRequestHandler):
    """Answers with one of the listed files, a piece of it, or the list; an address is looked up and never becomes a path."""

    def __init__(self, files: dict[str, Path], *connection):
        self.files = files
        super().__init__(*connection)

    def setup(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
        super().setup()
        self.rfile = io.BufferedReader(Question(self.request))

    def do_GET(self) -> None:
        self.request.settimeout(SILENT_SECONDS)
        path = unquote(self.path.partition("?")[0])
        found = [name for name in self.files if path.endswith("/") and name.startswith(path)]
        if path in self.files:
            with open(self.files[path], "rb") as file:
                return self.answer(file, os.fstat(file.fileno()).st_size)
        if not found:
            return self.send_error(404)
        link = lambda name: f'<a href="{quote(name)}">{escape(name.rpartition("/")[2])}</a><br>\n'
        page = "".join(map(link, found)).encode()
        self.answer(io.BytesIO(page), len(page), "text/html; charset=utf-8")

    do_HEAD = do_GET

    def answer(self, stream, size: int, kind: str = "application/octet-stream") -> None:
        """Sends all of a stream, or the one piece of it that a download which broke off goes on with."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2] or size) if asked else size, size - 1)
        if asked and first > last:
            return self.send_error(416)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", kind)
        left = last + 1 - first
        self.send_header("Content-Length", str(left))
        self.end_headers()
        if self.command == "HEAD":
            return
        stream.seek(first)
        while left and (part := stream.read(min(PIECE, left))):
            self.wfile.write(part)
            left -= len(part)

    def version_string(self) -> str:
        return "workshop"  # neither the version of Python nor of this

    def log_message(self, *_) -> None:
        """Silent: twenty attendees would fill the instructor's screen."""
