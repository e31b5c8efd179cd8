"""The environments of tests hold what is asked for, and nothing else."""

import subprocess

import pytest

from tests.closed_environment import closed_environment


@pytest.fixture
def site_packages(tmp_path):
    """Three distributions; two share a folder, one has an extra, a script and a .pth file."""
    root = tmp_path / "lib" / "python3" / "site-packages"
    files = {
        "one": {
            "shared/one.py": "name = 'one'",
            "shared/deep/a.py": "",
            "../../../bin/one": "#!/bin/python\nimport one",
        },
        "two": {"shared/two.py": "", "whole/__init__.py": "", "whole/part.py": ""},
        "three": {"three.py": "", "three.pth": "import sys; sys.three_was_here = True\n"},
    }
    requires = {"one": ['three; extra == "more"', "two; python_version < '3'"], "two": [], "three": []}
    for name, contents in files.items():
        info = f"{name}-1.0.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nProvides-Extra: more\n"
        contents[f"{info}/METADATA"] = metadata + "".join(f"Requires-Dist: {each}\n" for each in requires[name])
        contents[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in contents) + f"{info}/RECORD,,\n"
        for path, text in contents.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
    return root


def importable(environment, *names):
    code = "import importlib.util, sys\nfor n in sys.argv[1:]: print(importlib.util.find_spec(n) is not None)"
    return environment.run(["-c", code, *names]).stdout.split()


def test_only_what_is_required_is_there(site_packages, tmp_path):
    environment = closed_environment(["one  # a comment", ""], tmp_path / "env", site_packages)
    assert environment.versions == {"one": "1.0"}
    names = ("shared.one", "shared.deep.a", "shared.two", "whole", "three", "numpy", "audiocls", "pip")
    assert importable(environment, "shared", *names[:2]) == ["True"] * 3
    for name in names[2:]:
        assert importable(environment, name) == ["False"], name
    script = (environment.python.parent / "one").read_text()
    assert script == f"#!{environment.python} -I\nimport one"


def test_extras_bring_what_they_require(site_packages, tmp_path):
    environment = closed_environment(["one[more]==1.0"], tmp_path / "env", site_packages)
    assert set(environment.versions) == {"one", "three"}
    assert environment.run(["-c", "import sys; print(sys.three_was_here)"]).stdout == "True\n"


def test_what_is_not_installed_is_told(site_packages, tmp_path):
    for requirement, words in (("one==2", "installed here is 1.0"), ("four", "four, which the list requires")):
        with pytest.raises(LookupError, match=words):
            closed_environment([requirement], tmp_path / "env", site_packages)


def test_real_packages_work(tmp_path, monkeypatch):
    environment = closed_environment(["numpy"], tmp_path / "env")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "stray.py").touch()
    code = "import numpy, sys; print(numpy.arange(3).sum(), numpy.__file__, sys.executable)"
    words = environment.run(["-c", code], cwd=tmp_path).stdout.split()
    assert words[0] == "3"
    assert all(word.startswith(str(environment.folder)) for word in words[1:])
    assert importable(environment, "torch", "soundfile", "audiocls", "stray") == ["False"] * 4
    script = subprocess.run([environment.python.parent / "numpy-config", "--version"], capture_output=True, text=True)
    assert script.stdout.strip() == environment.versions["numpy"]
