# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test the example and README's programs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import libnetns

HERE = Path(__file__).resolve().parents[1]


def said_by(*args):
    return subprocess.run([sys.executable, *args], stdout=subprocess.PIPE, check=True).stdout


def test_one_address_is_served_in_two_namespaces():
    said = said_by(HERE / "examples" / "two_namespaces.py").decode().splitlines()
    assert "127.0.0.1:7777 in red: this is red" in said
    assert "127.0.0.1:7777 in blue: this is blue" in said
    assert "monitor: ADD red" in said
    assert said[-1] == "monitor: REMOVE blue"
    assert libnetns.list() == []


def test_programs_run_in_two_namespaces_at_once():
    said = said_by("-X", "dev", HERE / "examples" / "programs.py").decode().splitlines()
    assert said == ["red: br-red lo, ip_forward 1", "blue: br-blue lo, ip_forward 0"]
    assert libnetns.list() == []


PROGRAMS = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.S)


def test_readme_has_programs():
    assert len(PROGRAMS) == 4


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_readme_programs_run(program):
    if "NetNS" in program:
        pytest.importorskip("pyroute2")
    said_by("-c", program)
    assert libnetns.list() == []
