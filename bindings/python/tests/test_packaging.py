# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test installation by pip: beside an installed library, and as a wheel that contains the library.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import libnetns

SOURCE = Path(__file__).resolve().parents[1]
LOOK = "import libnetns; print(libnetns.version(), libnetns._library.lib._name, libnetns.list())"


def can_make_wheels():
    has = importlib.util.find_spec
    if not has("pip") or not has("setuptools"):
        return False
    # From 70.1 on, setuptools builds wheels itself.
    major = int(importlib.metadata.version("setuptools").split(".")[0])
    return major > 70 or has("wheel") is not None


pytestmark = pytest.mark.skipif(not can_make_wheels(), reason="no pip, setuptools or wheel")


@pytest.fixture
def source(tmp_path):
    copy = tmp_path / "source"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    return copy


def library():
    """The file of the library that the tests use."""
    assert libnetns.version()
    for line in open("/proc/self/maps"):
        if "libnetns.so" in line:
            return line.split(None, 5)[5].strip()
    raise AssertionError("the library is not loaded")


def pip(*args, bundle=None):
    # Without an index and without isolation: nothing is downloaded.
    options = ["--no-index", "--no-deps", "--disable-pip-version-check", "-q"]
    if args[-1].is_dir():
        options.append("--no-build-isolation")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if bundle:
        environment["LIBNETNS_BUNDLE"] = bundle
    command = [sys.executable, "-m", "pip", args[0], *options, *args[1:]]
    subprocess.run(command, check=True, env=environment)


def look(installed, **environment):
    environment["PYTHONPATH"] = str(installed)
    done = subprocess.run(
        [sys.executable, "-c", LOOK], env=environment, cwd="/", stdout=subprocess.PIPE, check=True
    )
    return done.stdout.decode().split()


def test_pip_install_uses_installed_library(source, tmp_path):
    installed = tmp_path / "installed"
    pip("install", "--target", installed, source)
    version, name, names = look(installed, LD_LIBRARY_PATH=os.path.dirname(library()))
    assert (name, names) == ("libnetns.so.1", "[]")
    files = {path.name for path in (installed / "libnetns").iterdir()}
    assert {"py.typed", "__init__.py", "netns.py"} <= files
    assert "libnetns.so.1" not in files
    (metadata,) = installed.glob("libnetns-*.dist-info/METADATA")
    lines = metadata.read_text().splitlines()
    assert "Provides-Extra: pyroute2" in lines
    (needed,) = [line for line in lines if line.startswith("Requires-Dist:")]
    # Older versions of setuptools write parentheses.
    assert re.match(r"Requires-Dist: pyroute2 ?\(?>=0\.7", needed)


def test_wheel_contains_library_only_if_bundled(source, tmp_path):
    wheels, installed = tmp_path / "wheels", tmp_path / "installed"
    pip("wheel", "-w", wheels, source, bundle=library())
    (wheel,) = wheels.iterdir()
    assert wheel.name == f"libnetns-{libnetns.__version__}-py3-none-linux_{os.uname().machine}.whl"
    pip("install", "--target", installed, wheel)
    version, name, names = look(installed)
    assert name == str(installed / "libnetns" / "libnetns.so.1")
    assert names == "[]"
    # A wheel without it, built afterwards in the same directory, does not contain one.
    pip("wheel", "-w", wheels, source)
    pure = wheels / f"libnetns-{libnetns.__version__}-py3-none-any.whl"
    pip("install", "--target", tmp_path / "pure", pure)
    assert not (tmp_path / "pure" / "libnetns" / "libnetns.so.1").exists()
