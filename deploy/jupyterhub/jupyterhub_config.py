"""A hub for a class on one server: python -m jupyterhub -f deploy/jupyterhub/jupyterhub_config.py

Without settings it serves this computer alone. All settings are read from the environment (deploy/README.md explains them):
HUB_ADDRESS (http://127.0.0.1:8000), HUB_AUTHENTICATOR (dummy; native to let the room in), HUB_SECRET (openssl rand -hex 32), HUB_CODE (the
class's code to sign up), HUB_ADMIN_PASSWORD (of the account "instructor"), HUB_CERTIFICATE and HUB_KEY (for https), HUB_PASSWORD (everybody's,
of dummy), HUB_FOLDER (my-workshop).
"""

import os
import re
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
COURSE = HERE.parents[1]
sys.path[:0] = [str(COURSE), str(HERE)]

from workshop_utils import paths  # noqa: E402
from workshop_utils.tools import start  # noqa: E402

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST = 8  # signs of a password or code
MEMORY_GB = 3  # a kernel of chapter 3 takes 1.4 GB at most (slides/INSTRUCTORS.md); the rest is for what people try
THREADS = 1  # more would have thirty people fight for the cores
IDLE_SECONDS = 3600


def setting(name: str, otherwise: str = "") -> str:
    return os.environ.get(f"HUB_{name}", "").strip() or otherwise


address = setting("ADDRESS", "http://127.0.0.1:8000")
authenticator = setting("AUTHENTICATOR", "dummy")
secret, code, admin_password = setting("SECRET"), setting("CODE"), setting("ADMIN_PASSWORD")
certificate, key = setting("CERTIFICATE"), setting("KEY")
password = setting("PASSWORD")
where = urlsplit(address)

if secret and not re.fullmatch("[0-9a-fA-F]{64}", secret):
    raise SystemExit(
        f"HUB_SECRET has to be 64 signs of 0-9 and a-f; {len(secret)} signs came. Make one: openssl rand -hex 32"
    )
for name, given in (("CODE", code), ("ADMIN_PASSWORD", admin_password)):
    if given and len(given) < SHORTEST:
        raise SystemExit(f"HUB_{name} has {len(given)} signs. Take at least {SHORTEST}.")
if where.scheme not in ("http", "https") or bool(certificate and key) != (where.scheme == "https"):
    raise SystemExit(
        f"HUB_ADDRESS is {address}. It begins with https:// where HUB_CERTIFICATE and HUB_KEY both name a file, and with http:// where neither is given."
    )
lacking = [
    what
    for lacks, what in (
        (authenticator != "native", "HUB_AUTHENTICATOR=native, the one that was tried"),
        (not secret, "HUB_SECRET (64 signs: openssl rand -hex 32)"),
        (not code, f"HUB_CODE (at least {SHORTEST} signs; whoever signs up has to know it)"),
        (os.geteuid() == 0, "a user of its own: what root runs belongs to everybody in the room"),
    )
    if lacks
]
if lacking and where.hostname not in LOOPBACK:
    raise SystemExit(
        f"The hub will not listen on {address}: beyond this computer it needs {'; '.join(lacking)}."
    )
if not password and authenticator != "native":
    password = secrets.token_urlsafe(9)
    print(f"HUB_PASSWORD is not given. Everybody's password until the hub ends: {password}")

folder = Path(setting("FOLDER", str(start.MINE))).resolve()
if not folder.is_relative_to(paths.HOME):
    raise SystemExit(f"HUB_FOLDER has to lie in {paths.HOME}, where notebooks find the course.")
PEOPLE, STATE = folder / "people", folder / "hub"
for private in (PEOPLE, STATE):  # accounts, and what people do, are no other user's
    private.mkdir(parents=True, exist_ok=True)
    private.chmod(0o700)
accounts = STATE / "hub.sqlite"
accounts.touch()
accounts.chmod(0o600)

c = get_config()  # noqa: F821
c.JupyterHub.bind_url = address
port = where.port or {"http": 80, "https": 443}[where.scheme]
# the two ports above are the hub's own, on loopback: another hub of this computer has others
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 1}"
c.JupyterHub.hub_port = port + 2
if certificate:
    c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = certificate, key
if secret:
    c.JupyterHub.cookie_secret = bytes.fromhex(secret)
c.JupyterHub.db_url = f"sqlite:///{accounts}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
c.ConfigurableHTTPProxy.command = [
    str(HERE / "node_modules" / ".bin" / "configurable-http-proxy")
]  # npx would outlive the hub

c.JupyterHub.authenticator_class = (
    "sign_up.ClassAuthenticator" if authenticator == "native" else authenticator
)
c.Authenticator.allow_all = True  # whoever the authenticator lets in is in the class
c.Authenticator.username_pattern = r"[^\W_][\w.@+-]{0,39}\Z"  # a name is a folder's name as well
# what lay among people's folders before the hub had one of its own
c.Authenticator.blocked_users = {"data", "hub.sqlite", "cookie_secret", "proxy.pid"}
c.Authenticator.admin_users = {"instructor"} if admin_password else set()
c.DummyAuthenticator.password = password
c.ClassAuthenticator.class_code = code
c.ClassAuthenticator.admin_password = admin_password
c.ClassAuthenticator.minimum_password_length = SHORTEST
c.ClassAuthenticator.check_common_password = True
c.ClassAuthenticator.allowed_failed_logins = 10  # then this name waits a minute
c.ClassAuthenticator.seconds_before_next_try = 60
c.ClassAuthenticator.open_signup = True  # to all who know the code
c.JupyterHub.template_paths = [str(HERE / "templates")]
c.JupyterHub.template_vars = {"asks_for_code": bool(code)}
if authenticator == "native":
    c.JupyterHub.template_vars["announcement_login"] = (
        f'The first time: <a href="{where.path.rstrip("/")}/hub/signup">choose a name and a password</a>.'
    )


def from_here(headers) -> bool:
    """Whether a browser of this computer asks. The hub's own proxy adds one address and its name; another one before it leaves more."""
    hosts = [headers.get("Host", ""), headers.get("X-Forwarded-Host", "")]
    callers = headers.get("X-Forwarded-For", "").removeprefix("::ffff:")
    foreign = [name for name in ("Forwarded", "X-Real-IP", "Via") if headers.get(name)]
    names = [urlsplit(f"//{host}").hostname for host in hosts if host]
    return not foreign and {callers, *names} <= {*LOOPBACK, ""}


def admit(_, handler, person):
    """What is not fit for others serves this computer alone, also where a web server stands before it."""
    if lacking and not from_here(handler.request.headers):
        from tornado.web import HTTPError

        raise HTTPError(
            403, f"This hub serves its own computer alone. It needs {'; '.join(lacking)}."
        )
    return person


c.Authenticator.post_auth_hook = admit

# Everybody's server is a process of the hub's own user: for a class that trusts itself. deploy/README.md names spawners that separate people.
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(PEOPLE / "{username}")
c.Spawner.cmd = [
    "prlimit",
    f"--data={MEMORY_GB * 2**30}",
    sys.executable,
    "-m",
    "jupyterhub.singleuser",
]  # each kernel inherits the limit
c.Spawner.args = (
    ["--allow-root"] if os.geteuid() == 0 else []
)  # in a container root is often the only user
c.Spawner.default_url = f"/lab/tree/{paths.chapter(1).name}"
c.Spawner.environment = {
    "OMP_NUM_THREADS": str(THREADS),
    "JUPYTER_CONFIG_PATH": str(
        COURSE / "workshop_utils" / "tools" / "jupyter"
    ),  # no question about news
    "WORKSHOP_DATA": str(folder / "data"),  # whole sets are fetched once for all
}
c.Spawner.start_timeout = 120
c.JupyterHub.concurrent_spawn_limit = 10
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE_SECONDS}"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]


def working_copies(spawner) -> None:
    """Puts the notebooks that a person does not have yet into their folder; an update never touches the others."""
    theirs = PEOPLE / spawner.user.name
    try:
        with paths.writing(theirs):
            theirs.mkdir(parents=True, exist_ok=True)
        for notebook in paths.notebooks():
            start.working_copy(notebook, folder=theirs)
    except OSError as error:
        error.jupyterhub_message = str(error)  # what the person's page says
        raise
    spawner.environment["WORKSHOP_PROGRESS"] = str(theirs / ".progress")


c.Spawner.pre_spawn_hook = working_copies
