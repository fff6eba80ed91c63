# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test that the declarations for ctypes agree with netns.h."""

import ctypes
import re
import subprocess
import sys
from pathlib import Path

import pytest

import libnetns
from libnetns import _library

HEADER = Path(__file__).resolve().parents[3] / "include" / "netns.h"
HANDLES = {
    "netns": _library.NamespaceHandle,
    "netns_name_snapshot": _library.NameList,
    "netns_holder_snapshot": _library.HolderList,
    "netns_nsid_snapshot": _library.NsidList,
    "netns_link_snapshot": _library.LinkList,
    "netns_addr_snapshot": _library.AddrList,
    "netns_route_snapshot": _library.RouteList,
    "netns_monitor": _library.MonitorHandle,
}
VALUES = {
    "void": None,
    "int": ctypes.c_int,
    "pid_t": ctypes.c_int,
    "size_t": ctypes.c_size_t,
    "ssize_t": ctypes.c_ssize_t,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "int32_t": ctypes.c_int32,
    "uint64_t": ctypes.c_uint64,
}
STRUCTS = {"netns_event": _library.NetnsEvent, "netns_spawn_options": _library.SpawnOptions}


def declarations():
    header = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    for found in re.finditer(r"^([a-z][\w ]*?[ *]+)(netns_\w+)\((.*?)\);", header, re.S | re.M):
        yield found[2], found[1], re.sub(r"\s+", " ", found[3])


def ctype(declared):
    """The type that ctypes must have for a parameter or result in C."""
    if "(*" in declared:
        return _library.CALLBACK
    declared = declared.replace("const ", "").strip()
    base, stars = re.fullmatch(r"(?:struct )?(\w+)[^*]*?((?:\*(?:const )?)*)\w*", declared).groups()
    depth = stars.count("*")
    if base == "char":
        return ctypes.c_char_p if depth == 1 else ctypes.POINTER(ctypes.c_char_p)
    if base in HANDLES:
        return HANDLES[base] if depth == 1 else ctypes.POINTER(HANDLES[base])
    if base == "void" and depth == 1:
        return ctypes.py_object
    value = STRUCTS.get(base) or VALUES[base]
    return value if depth == 0 else ctypes.POINTER(value)


def parameters(text):
    text = re.sub(r"\(\*func\)\(void \*arg\)", "(*func)", text)
    return [] if text == "void" else [part.strip() for part in text.split(",")]


def test_prototypes_match_header():
    declared = {
        name: (ctype(result), *map(ctype, parameters(arguments)))
        for name, result, arguments in declarations()
    }
    assert len(declared) > 90
    assert _library.PROTOTYPES == declared
    for name, (result, *arguments) in declared.items():
        function = getattr(_library.lib, name)
        assert function.restype is result
        assert list(function.argtypes) == arguments


def test_struct_sizes_match_c_compiler(tmp_path):
    program = tmp_path / "sizes.c"
    program.write_text(
        "#include <netns.h>\n#include <stdio.h>\n"
        'int main(void) { printf("%zu %zu %zu", sizeof(struct netns_event),'
        " sizeof(struct netns_spawn_options), offsetof(struct netns_spawn_options, cwd)); }\n"
    )
    compiled = tmp_path / "sizes"
    command = ["cc", "-I", str(HEADER.parent), "-o", str(compiled), str(program)]
    subprocess.run(command, check=True)
    sizes = subprocess.run([str(compiled)], check=True, stdout=subprocess.PIPE).stdout.split()
    options = _library.SpawnOptions
    wanted = ctypes.sizeof(_library.NetnsEvent), ctypes.sizeof(options), options.cwd.offset
    assert tuple(map(int, sizes)) == wanted


def test_constants_match_header():
    header = HEADER.read_text()
    constants = dict(re.findall(r"^#define NETNS_(\w+) \(?(-?\d+)\)?$", header, re.M))
    from libnetns import _monitor, _namespace, _network, _programs

    checked = 0
    for module in (_monitor, _namespace, _network, _programs):
        for name, value in vars(module).items():
            if name.lstrip("_") in constants and isinstance(value, int):
                assert value == int(constants[name.lstrip("_")]), name
                checked += 1
    assert checked >= 12
    assert libnetns.EventType.ADD == int(constants["EVENT_ADD"])
    assert libnetns.EventType.REMOVE == int(constants["EVENT_REMOVE"])
    assert f'#define NETNS_VERSION "{libnetns.__version__}"' in header
    assert f'#define NETNS_RUN_DIR "{libnetns.RUN_DIR}"' in header


def test_version_matches_library():
    assert libnetns.version() == libnetns.__version__


@pytest.mark.parametrize("wrong", [42, "name", b"name", object(), _library.LinkList()])
def test_calls_reject_objects_that_are_not_handles(wrong):
    with libnetns.current() as ns:
        for call, *arguments in (
            (libnetns.Namespace, wrong),
            (ns.link_move, "lo", wrong),
            (ns.veth_add, "v0", wrong, "v1"),
            (ns.macvlan_add, "m0", wrong, "v0"),
            (ns.vlan_add, "v5", wrong, "v0", 5),
            (ns.nsid_of, wrong),
            (ns.set_nsid, wrong, 1),
            (ns.ensure_nsid, wrong),
        ):
            with pytest.raises(TypeError):
                call(*arguments)
        with pytest.raises(TypeError):
            ns.link_move("lo", None)


def test_import_without_library_explains_installation():
    code = "import libnetns"
    environment = {"PYTHONPATH": str(Path(libnetns.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, check=False
    )
    if done.returncode == 0:
        pytest.skip("the library is installed here")
    assert b"ImportError" in done.stderr
    assert b"make install" in done.stderr
