"""Python environments that hold a list of requirements and nothing else, made from what is installed here.

A virtual environment whose site-packages is made of links to the files of just those distributions and of what they
require, by their metadata. So a test sees what a person has who installs these lines into an empty environment, without
installing anything.
"""

import csv
import functools
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class ClosedEnvironment:
    """An environment and what is in it: versions by canonical name. `python` can be run as it is, and so can what the
    distributions have in `python.parent`."""

    folder: Path
    python: Path
    versions: Mapping[str, str]

    def run(
        self, args: Sequence[str | Path], env: Mapping[str, str] | None = None, timeout: float = 120, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `python ARGS` and return what came of it, with its output as text.

        Args:
            env: all variables, as of `subprocess.run`; those of this process unless given. PYTHONPATH and its like are
                left out.
            timeout: in seconds.
        """
        kept = {name: value for name, value in (os.environ if env is None else env).items() if name[:6] != "PYTHON"}
        settings: dict[str, Any] = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL} | options
        return subprocess.run([self.python, "-I", *args], env=kept, timeout=timeout, **settings)


def closed_environment(
    requirements: Iterable[str], folder: Path, site_packages: Path | None = None
) -> ClosedEnvironment:
    """Make an environment in `folder`, which must not be there yet.

    Args:
        requirements: as the lines of a requirements.txt: comments and empty lines are skipped.
        site_packages: where the distributions are; those of this Python unless given.

    Raises:
        LookupError: one is not installed here, or in another version than required.
    """
    root = Path(sysconfig.get_path("purelib")) if site_packages is None else site_packages
    installed = _installed(root)
    lines = [line.partition("#")[0].strip() for line in requirements]
    wanted = required([Requirement(line) for line in lines if line], installed)

    venv.EnvBuilder(symlinks=True).create(folder)
    python = folder / "bin" / "python"
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    records, owners = _records(root)
    for name in sorted(wanted):
        for file in records[name]:
            if ".." in file.parts:
                _place_outside(root / file, file, packages, python)
            else:
                _link(root, file, packages, owners, wanted)
    return ClosedEnvironment(folder, python, {name: installed[name].version for name in sorted(wanted)})


def required(requirements: Iterable[Requirement], installed: Mapping[str, Distribution]) -> set[str]:
    """The canonical names of what is required, and of what that requires in turn.

    Raises:
        LookupError: one is not installed, or in another version than required.
    """
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(each, "the list") for each in requirements]
    while waiting:
        requirement, asker = waiting.pop()
        name = canonicalize_name(requirement.name)
        distribution = installed.get(name)
        if distribution is None:
            raise LookupError(f"{name}, which {asker} requires, is not installed here")
        if not requirement.specifier.contains(distribution.version, prereleases=True):
            raise LookupError(f"{asker} requires {requirement}; installed here is {distribution.version}")
        found.add(name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for line in distribution.requires or ():
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting.append((needed, name))
    return found


@functools.lru_cache
def _installed(root: Path) -> dict[str, Distribution]:
    """The distributions in a folder, by canonical name."""
    return {canonicalize_name(each.name): each for each in distributions(path=[str(root)])}


@functools.lru_cache
def _records(root: Path) -> tuple[dict[str, list[PurePosixPath]], dict[PurePosixPath, set[str]]]:
    """The files of each distribution by its RECORD, relative to the folder; and whose files lie in each folder."""
    files: dict[str, list[PurePosixPath]] = {}
    owners: dict[PurePosixPath, set[str]] = {}
    for name, distribution in _installed(root).items():
        rows = csv.reader((distribution.read_text("RECORD") or "").splitlines())
        files[name] = [PurePosixPath(row[0]) for row in rows]
        for folder in {file.parent for file in files[name]}:
            for each in (folder, *folder.parents):
                owners.setdefault(each, set()).add(name)
    return files, owners


def _link(
    root: Path,
    file: PurePosixPath,
    packages: Path,
    owners: Mapping[PurePosixPath, set[str]],
    wanted: set[str],
) -> None:
    """Link a file, or the highest of its folders that holds files of wanted distributions only."""
    for part in (*list(reversed(file.parents))[1:], file):
        place = packages / part
        if place.is_symlink():
            return
        if part != file and not owners[part] <= wanted:
            place.mkdir(exist_ok=True)  # shared, such as the folder of a namespace: its own entries are looked at
            continue
        if (root / part).exists():
            place.symlink_to((root / part).resolve())
        return


def _place_outside(source: Path, file: PurePosixPath, packages: Path, python: Path) -> None:
    """Put a file that does not lie in site-packages, such as a script, where it lies relative to it."""
    target = Path(os.path.normpath(packages / file))
    if not source.is_file() or target.exists() or not target.is_relative_to(python.parents[1]):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = source.read_bytes() if target.parent == python.parent else b""
    first, newline, rest = content.partition(b"\n")
    if first.startswith(b"#!") and b"python" in first:  # it would run with all that is installed here
        target.write_bytes(b"#!" + os.fsencode(python) + b" -I" + newline + rest)
        target.chmod(0o755)
    else:
        target.symlink_to(source.resolve())
