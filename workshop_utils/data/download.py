"""Brings published files onto this computer: pooch fetches and checks, from the first of several hosts that delivers."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

from workshop_utils.data.cards import RemoteFile
from workshop_utils.progress import progress

CONNECT_SECONDS = 4
SILENT_SECONDS = 10  # a host that sends nothing for so long loses its turn
WINDOW_SECONDS = 10  # ... and so does one that over this time is slower than
PAUSE_SECONDS = 2  # before a line that broke is tried again
# Bytes a second. The last host may be slow, for the slow part may be our own network; so may the
# mirror, which a whole room shares.
SLOWEST, SLOWEST_OF_THE_LAST = 200_000, 1_000
ENOUGH = 1 << 16  # bytes that a line which broke must have brought, to be tried again
WIFI = "if this Wi-Fi has a page to log in, open it in the browser first"
LOG_IN = (
    f"could not be reached safely: {WIFI}; if a proxy has a certificate of its own, set "
    "REQUESTS_CA_BUNDLE to its file"
)
PAGE = f"sent a web page instead of the file: {WIFI}"


class HostFailed(Exception):
    """A host did not deliver; the next one is asked."""


def addresses(file: RemoteFile, set_name: str) -> tuple[str, ...]:
    """Where to ask for a file: first the computer nearby that WORKSHOP_MIRROR names, then its public hosts."""
    nearby = mirror()
    return (f"{nearby}/{set_name}/{file.name}", *file.urls) if nearby else file.urls


def mirror() -> str:
    """The address of the computer nearby that WORKSHOP_MIRROR names; empty if it names none."""
    named = os.environ.get("WORKSHOP_MIRROR", "").strip().rstrip("/")
    return f"http://{named}" if named and "://" not in named else named


def proxies(url: str) -> dict[str, str] | None:
    """What to tell requests: no proxy for the mirror, for a campus's proxy does not know the room; else the network's own."""
    return {"no_proxy": "*"} if mirror() and url.startswith(mirror()) else None


def is_page(response) -> bool:
    """Whether an answer is a web page: of a network that wants a log-in, of a proxy; no published file is one."""
    return "html" in response.headers.get("Content-Type", "")


def is_whole(path: Path, file: RemoteFile) -> bool:
    """Whether a file is on this computer and has the published sum ("sha256:..." or "md5:...")."""
    import pooch

    algorithm, _, digest = file.sum.partition(":")
    return path.is_file() and pooch.file_hash(str(path), algorithm) == digest


def fetch(file: RemoteFile, folder: Path, set_name: str) -> Path:
    """The verified copy of `file` in `folder`; many processes that ask for it at once fetch it once.

    Its bytes land in folder/incoming and move into place when their sum is right. Raises ConnectionError, with what each
    host said, if none delivers it; OSError if the folder cannot be written.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")  # the progress bar says it
    target, incoming, refusals = folder / file.name, folder / "incoming", []
    with locked(folder):
        if is_whole(target, file):
            return target
        urls = addresses(file, set_name)
        for url in urls:
            patient = url == urls[-1] or proxies(url)
            get = partial(_download, file, SLOWEST_OF_THE_LAST if patient else SLOWEST)
            try:
                with _emptied(incoming):
                    brought = pooch.retrieve(url, file.sum, file.name, incoming, downloader=get)
                    os.replace(brought, target)
                return target
            except HostFailed as error:
                refusals.append(f"{host_of(url)} {error}")
            except ValueError:
                another = "sent a file with another sum than the published one"
                refusals.append(f"{host_of(url)} {another}")
    if not urls:
        raise ConnectionError(f"{file.name} has no public address")
    raise ConnectionError(f"{len(urls)} asked, none delivered {file.name}: {'; '.join(refusals)}")


@contextmanager
def _emptied(incoming: Path) -> Iterator[None]:
    """What a killed download left is gone before and after: under the lock nobody else is writing it."""
    shutil.rmtree(incoming, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def fetch_from_kaggle(handle: str, files: tuple[RemoteFile, ...], folder: Path) -> None:
    """Puts a Kaggle data set into folder/kaggle, without an account, and its published files into the folder itself.

    Raises ConnectionError if Kaggle does not deliver, OSError if the folder cannot be written.
    """
    kept, incoming = folder / "kaggle", folder / "incoming"
    with locked(folder), _emptied(incoming):
        if all(is_whole(folder / file.name, file) for file in files):
            return  # another process brought them while we waited
        brought = Path(_ask_kaggle(handle, incoming))
        if brought != incoming:  # in Colab and on Kaggle: on another disk, and it cannot be moved
            shutil.copytree(brought, incoming)
        for file in files:
            whole = (path for path in incoming.rglob(file.name) if is_whole(path, file))
            if path := next(whole, None):
                os.replace(path, folder / file.name)
        shutil.rmtree(kept, ignore_errors=True)
        os.replace(incoming, kept)


def _ask_kaggle(handle: str, incoming: Path) -> str:
    try:
        import kagglehub

        return kagglehub.dataset_download(handle, output_dir=str(incoming))
    except ImportError:
        cure = "python -m pip install kagglehub"
        raise ConnectionError(f"the package kagglehub is missing: {cure}") from None
    except Exception as error:  # kagglehub raises its own kinds, which differ between versions
        of_the_disk = isinstance(error, OSError) and error.errno
        if of_the_disk and not hasattr(error, "request"):  # requests' errors are OSErrors too
            raise
        raise ConnectionError(f"www.kaggle.com {network_reason(error)}") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder for one process at a time; the system lets go of it when a process ends, however it ends.

    Raises OSError, with what to do, where the disk fails: full, closed for writing, or not there.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            held = lock.acquire(timeout=1)
        except Timeout:
            print(f"Another notebook is filling {folder}; waiting for it.")
            held = lock.acquire()
        with held:
            yield
    except ConnectionError:
        raise
    except OSError as error:
        raise OSError(
            f"'{folder}' cannot be written ({error.strerror or error}). Make room there, or set the environment variable WORKSHOP_DATA to another folder."
        ) from None


def _download(file: RemoteFile, slowest: int, url: str, output: str, _pooch) -> None:
    """What pooch calls to write one address into one file: with patience that ends, and no more bytes than published.

    A line that breaks is tried again, from where it broke, as long as it brings something.
    """
    import requests
    import urllib3

    furthest = 0
    with open(output, "wb") as copy:
        while True:
            try:
                return _ask(file, slowest, url, copy)
            except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
                if copy.tell() == file.bytes:  # all is here, whatever the length that was told
                    return
                if copy.tell() < furthest + ENOUGH:
                    raise HostFailed(network_reason(error)) from None
                furthest = copy.tell()
                time.sleep(PAUSE_SECONDS)


def _ask(file: RemoteFile, slowest: int, url: str, copy: BinaryIO) -> None:
    """Asks for what is not yet in `copy`, and writes it there."""
    import requests

    session = requests.Session()
    session.headers["Accept-Encoding"] = "identity"
    if start := copy.tell():
        session.headers["Range"] = f"bytes={start}-"
    # Redirects are followed here: requests would read their bodies, however long.
    session.get_redirect_target = lambda response: None  # type: ignore[method-assign, assignment]
    patience = (CONNECT_SECONDS, SILENT_SECONDS)
    for _ in range(6):
        with session.get(url, stream=True, timeout=patience, proxies=proxies(url)) as response:
            if response.is_redirect:
                url = urljoin(url, response.headers["Location"])
                continue
            if response.status_code not in (200, 206):
                raise HostFailed(f"answered {response.status_code} {response.reason}")
            if is_page(response):
                raise HostFailed(PAGE)
            if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                copy.seek(0)
                copy.truncate()
            # packed by a proxy, although nobody asked; a server that only says so, of a file that is
            # packed anyway, tells its own length, or none
            rest = str(file.bytes - copy.tell())
            told = response.headers.get("Content-Length", rest if file.name.endswith(".gz") else "")
            packed = "Content-Encoding" in response.headers and told != rest
            read = partial(response.raw.read1, 1 << 16, decode_content=packed)
            return _copy(file, slowest, read, copy)
    raise HostFailed("sends from one address to the next without end")


def _copy(file: RemoteFile, slowest: int, read: Callable[[], bytes], copy: BinaryIO) -> None:
    """read: gives what has arrived, so that a host that drips single bytes is found out."""
    bar = progress(description=f"Fetching {file.name}, {file.bytes / 1e6:.0f} MB", total=file.bytes)
    bar.update(copy.tell())
    window_bytes, window_began = 0, time.monotonic()
    try:
        while part := read():
            window_bytes += len(part)
            if copy.tell() + len(part) > 1.1 * file.bytes + 1e6:
                raise HostFailed(f"sent more than the {file.bytes:,} bytes of the published file")
            copy.write(part)
            bar.update(len(part))
            seconds = time.monotonic() - window_began
            if seconds > WINDOW_SECONDS:
                if window_bytes < slowest * seconds:
                    raise HostFailed(f"was slower than {slowest // 1000} kB a second")
                window_bytes, window_began = 0, time.monotonic()
    finally:
        bar.close()


def host_of(url: str) -> str:
    """The host and port of an address, without a password; the address itself where it has none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or url
    except ValueError:
        return url


def network_reason(error: Exception) -> str:
    """Why a host did not answer, in words that follow its name."""
    kind = type(error).__name__
    reasons = {
        "SSL": LOG_IN,
        "Proxy": "could not be reached through the proxy of this network",
        "ConnectTimeout": "could not be reached",
        "ConnectionError": "could not be reached",
        "Timeout": f"sent nothing for {SILENT_SECONDS} s",
        "InvalidSchema": "cannot be asked: only http and https can, and no other proxy than those",
        "Invalid": "is no address of the form http://192.168.1.7:8000",
        "": f"broke off ({kind})",
    }
    return next(reason for word, reason in reasons.items() if word in kind)
