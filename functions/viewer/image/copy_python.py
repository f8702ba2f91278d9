"""
`copy_python.py DEST`: copies the interpreter that runs this, with the part of its standard library that a server can need, to
the same place below DEST, and leads /usr/local/bin/python3 to it.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
import sysconfig

# Tools, tests, windows, and what would bring libraries of its own (readline, curses, sqlite, Tk, Kerberos by `nis`).
LEFT_OUT = shutil.ignore_patterns(
    *("__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "turtle.py", "lib2to3", "ensurepip", "pydoc_data"),
    *("config-*", "site-packages", "dist-packages", "venv", "distutils", "sqlite3", "curses", "dbm", "*.a", "*.pyi"),
    *("_tkinter*", "_sqlite3*", "_curses*", "readline*", "_dbm*", "_gdbm*", "nis.*", "_test*", "_xxtest*", "xxlimited*"),
    *("_ctypes_test*", "_crypt.*", "sitecustomize.py"),
)


def copy(dest: pathlib.Path) -> None:
    program = pathlib.Path(sys.executable).resolve()
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, _below(dest, library), ignore=LEFT_OUT, symlinks=False)
    _below(dest, program).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(program, _below(dest, program))
    link = _below(dest, pathlib.Path("/usr/local/bin/python3"))
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(os.path.relpath(_below(dest, program), link.parent))


def _below(dest: pathlib.Path, path: pathlib.Path) -> pathlib.Path:
    return dest / path.relative_to("/")


if __name__ == "__main__":
    copy(pathlib.Path(sys.argv[1]))
