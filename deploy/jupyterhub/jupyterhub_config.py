"""A hub for a class on one server: python -m jupyterhub -f deploy/jupyterhub/jupyterhub_config.py

Without settings it listens on this computer alone. To listen beyond, all three have to be in the environment, or it does not start:
HUB_ADDRESS (for example http://0.0.0.0:8000), HUB_AUTHENTICATOR (for example native or pam) and HUB_SECRET (openssl rand -hex 32).
HUB_PASSWORD is the one password of everybody while HUB_AUTHENTICATOR is dummy. README.md beside this file explains the rest.
"""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

COURSE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(COURSE))

from workshop_utils import paths  # noqa: E402
from workshop_utils.tools import start  # noqa: E402

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MEMORY_GB = 3  # a process of chapter 3 takes 1.8 GB at most (slides/INSTRUCTORS.md), its server 0.1; the rest is for what people try
THREADS = 1  # more would have thirty people fight for the cores
IDLE_SECONDS = 3600
PEOPLE = COURSE / "my-workshop" / "people"  # below the course, so that the setup cell finds it

address = os.environ.get("HUB_ADDRESS", "http://127.0.0.1:8000")
authenticator = os.environ.get("HUB_AUTHENTICATOR", "dummy")
secret = os.environ.get("HUB_SECRET", "")
if urlsplit(address).hostname not in LOOPBACK and (authenticator == "dummy" or len(secret) < 64):
    raise SystemExit(
        f"The hub will not listen on {address}: beyond this computer it needs HUB_AUTHENTICATOR (native or pam, not dummy) and HUB_SECRET "
        "(64 signs: openssl rand -hex 32) in the environment."
    )

c = get_config()  # noqa: F821
c.JupyterHub.bind_url = address
c.JupyterHub.authenticator_class = authenticator
if secret:
    c.JupyterHub.cookie_secret = bytes.fromhex(secret)
c.JupyterHub.db_url = f"sqlite:///{PEOPLE / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(PEOPLE / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(PEOPLE / "proxy.pid")
c.ConfigurableHTTPProxy.command = [
    str(Path(__file__).with_name("node_modules") / ".bin" / "configurable-http-proxy")
]  # npx would outlive the hub
c.Authenticator.allow_all = True  # whoever the authenticator lets in is in the class
if authenticator == "dummy":
    c.DummyAuthenticator.password = os.environ.get("HUB_PASSWORD", "")

# Everybody's server is a process of the hub's own user: for a class that trusts itself. README.md names spawners that separate people.
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
    "WORKSHOP_DATA": str(PEOPLE / "data"),  # whole sets are fetched once for all
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
    folder = PEOPLE / spawner.user.name
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in paths.notebooks():
        start.working_copy(notebook, folder=folder)
    spawner.environment["WORKSHOP_PROGRESS"] = str(folder / ".progress")


c.Spawner.pre_spawn_hook = working_copies
PEOPLE.mkdir(parents=True, exist_ok=True)
