"""Serves downloaded data sets and packages to the room, so that nobody needs the internet.

Only whole, published files are served, and nothing can be written. Attendees check every file's sum again.
"""

import socket
from contextlib import suppress
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, unquote

from workshop_utils import data
from workshop_utils.data.download import is_whole


def add_arguments(parser) -> None:
    folder = "the folder that `download` filled; if not given, WORKSHOP_DATA or the cache folder"
    parser.add_argument("folder", type=Path, nargs="?", help=folder)
    parser.add_argument("--port", type=int, default=8000)


def run(options) -> int:
    folder = options.folder or data.data_home()
    files = served(folder)
    if not files:
        raise ValueError(
            f"'{folder}' holds no published file. Fill it with: python -m workshop_utils download --all"
        )
    server = ThreadingHTTPServer(("", options.port), partial(Handler, files))
    print(
        f"Serving {len(files)} files. Attendees set WORKSHOP_MIRROR={address(server.server_port)} before they start JupyterLab. Ctrl+C stops it.",
        flush=True,
    )
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()
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
        if path.is_file() and path.resolve().parent == wheels.resolve()
    }


def address(port: int) -> str:
    """This computer's address in the local network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:  # sends nothing; it only asks the system which of its addresses would be used
            probe.connect(("10.255.255.255", 1))
            return f"http://{probe.getsockname()[0]}:{port}"
        except OSError:
            return f"http://127.0.0.1:{port}"


class Handler(SimpleHTTPRequestHandler):
    """Answers with one of the listed files, or with the list; an address is looked up and never becomes a path."""

    timeout = 60  # seconds after which a line on which nothing moves is closed

    def __init__(self, files: dict[str, Path], *connection):
        self.files = files
        super().__init__(*connection)

    def handle(self) -> None:
        with suppress(ConnectionError, TimeoutError):  # somebody closed the lid in a file's middle
            super().handle()

    def translate_path(self, path: str) -> str:
        return str(self.files.get(_plain(path), ""))  # "" is no file anywhere: 404

    def send_head(self):
        folder = _plain(self.path)
        found = [name for name in self.files if folder.endswith("/") and name.startswith(folder)]
        if not found:
            return super().send_head()
        page = "".join(
            f'<a href="{quote(name)}">{escape(name.rpartition("/")[2])}</a><br>\n' for name in found
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        return BytesIO(page)

    def log_message(self, *_) -> None:
        """Silent: twenty attendees would fill the instructor's screen."""


def _plain(path: str) -> str:
    return unquote(path.partition("?")[0])
