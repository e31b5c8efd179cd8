"""A Space written to a folder, and an environment that has what its requirements.txt names and nothing else."""

from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import SpaceCard

from tests.closed_environment import ClosedEnvironment, closed_environment

# What the app asks of the network beyond this machine is refused and written down.
REFUSING = """
import os, socket

def _refuse(name, place):
    original = getattr(socket.socket, name)
    def guarded(self, address):
        if self.family != socket.AF_UNIX and str(address[0]) not in ("127.0.0.1", "::1", "localhost"):
            with open(place, "a") as file:
                print(address, file=file)
            raise OSError("refused by the test")
        return original(self, address)
    setattr(socket.socket, name, guarded)

_resolve = socket.getaddrinfo
def _resolved(host, *rest, **named):
    if host not in (None, "", "127.0.0.1", "::1", "localhost", "0.0.0.0", b"127.0.0.1", b"localhost"):
        with open(PLACE, "a") as file:
            print(host, file=file)
        raise socket.gaierror("refused by the test")
    return _resolve(host, *rest, **named)

PLACE = os.path.join(os.path.dirname(__file__), "refused.txt")
socket.getaddrinfo = _resolved
for name in ("connect", "connect_ex"):
    _refuse(name, PLACE)
"""


def written(files: Mapping[str, Path | bytes], folder: Path) -> Path:
    """Lay the files of a Space out as a clone of it would have them."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return folder


def environment_of(space: Path, folder: Path) -> ClosedEnvironment:
    """What the Hub would build for a Space, with the network refused."""
    lines = (space / "requirements.txt").read_text().splitlines()
    made = closed_environment([*lines, f"gradio=={SpaceCard.load(space / 'README.md').data.sdk_version}"], folder)
    (site_packages(made) / "sitecustomize.py").write_text(REFUSING)
    return made


def site_packages(environment: ClosedEnvironment) -> Path:
    (found,) = (environment.folder / "lib").glob("python3*/site-packages")
    return found


def refused(environment: ClosedEnvironment) -> str:
    """What was asked of the network beyond this machine."""
    path = site_packages(environment) / "refused.txt"
    return path.read_text() if path.exists() else ""
