"""HTTP servers on this computer that behave badly on request, and small published files to ask them for."""

import gzip
import hashlib
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from workshop_utils import data
from workshop_utils.data.cards import RemoteFile


@contextmanager
def server(answer):
    """Calls answer(handler) for every request; yields the server, with `.url` and the list `.asked`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            running.asked.append(self.path)
            answer(self)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    running.asked, running.url = [], f"http://127.0.0.1:{running.server_port}"
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield running
    finally:
        running.shutdown()
        running.server_close()


def serve(content: bytes, status: int = 200, length: int | None = None):
    """An answer with these bytes, whatever was asked for; length: what the header says instead of the truth."""

    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)

    return answer


def drip(handler):
    """One byte at a time, for ever."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.01)
    except OSError:
        pass


def flood(handler):
    """As many bytes as the other side will take."""
    handler.send_response(200)
    handler.end_headers()
    pour(handler)


def pour(handler):
    try:
        while True:
            handler.wfile.write(bytes(1 << 16))
    except OSError:
        pass


def cut(content: bytes):
    """Half of the bytes, then the line goes dead."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()
        handler.connection.close()

    return answer


def redirect(url: str):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.end_headers()

    return answer


def published(name: str, content: bytes, *urls: str) -> RemoteFile:
    """The entry of a file with this content; a .gz is entered with what is packed in it."""
    sums = [
        f"sha256:{hashlib.sha256(raw).hexdigest()}"
        for raw in (content, gzip.decompress(content) if name.endswith(".gz") else content)
    ]
    return RemoteFile(name, len(content), sums[0], {name.removesuffix(".gz"): sums[1]}, urls)


def change_card(monkeypatch, name: str, **changes) -> None:
    """Gives a set other files or counts, for one test."""
    card = data.card(name)
    family = sys.modules[card.read.__module__]
    cards = [replace(other, **changes) if other is card else other for other in family.CARDS]
    monkeypatch.setattr(family, "CARDS", cards)
