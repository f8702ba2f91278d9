"""
`trim.py FOLDER`: takes out of a folder of installed packages what the viewer never imports. Every line below is checked: one
that matches nothing ends the build, so that a newer version which moved something is looked at by a person.
"""

from __future__ import annotations

import pathlib
import shutil
import sys

# Packages, with the reason why nothing imports them.
PACKAGES = {
    # server/common/compute/estimate_distribution.py alone, in whose place cxod_viewer/distribution.py stands.
    "numba": "numba",
    "llvmlite": "llvmlite",
    # The server of cellxgene's own `launch`; ours is waitress.
    "gunicorn": "gunicorn",
    # Installs packages. (Old ones ask for `pkg_resources` at run time; none of ours does.)
    "setuptools": "setuptools",
    # fsspec loads it for addresses that begin with s3://; the gate has brought the file.
    "s3fs": "s3fs",
}
FOLDERS = (
    "_distutils_hack",
    "pkg_resources",
    "bin",
    # Descriptions of AWS's services, read when a client of one is made; cellxgene imports botocore and makes none.
    "botocore/data",
    "boto3/data",
    # The page's files come from the lobby.
    "server/common/web/static",
    # Only their own tools and tests.
    # (numpy.f2py stays: `from numpy import *`, which array_api_compat does, imports it.)
    "numpy/distutils",
    "numpy/typing/tests",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/random/lib",
    # No other part of scipy, and nothing of cellxgene, anndata, zarr or pandas, imports these (anndata: scipy.io, to read .mtx).
    "scipy/cluster",
    "scipy/datasets",
    "scipy/differentiate",
    "scipy/fftpack",
    "scipy/io",
    "scipy/misc",
    "scipy/odr",
    "scipy/signal",
)
# `testing` stays: pandas and numpy import theirs.
NAMES = ("tests", "test", "__pycache__")
# Of compilers, of type checkers.
ENDINGS = (".h", ".hpp", ".a", ".c", ".cpp", ".pyx", ".pxd", ".pxi", ".pyi", ".lib", ".pth")


def trim(site: pathlib.Path) -> None:
    unmatched = []
    for name, project in PACKAGES.items():
        records = list(site.glob(f"{project}-*.dist-info"))
        if not records or not (site / name).is_dir():
            unmatched.append(name)
        # With its record, or scanners would report what is not there.
        for folder in [site / name, *records]:
            _remove(folder)
    for folder in FOLDERS:
        if not (site / folder).exists() and folder not in _OPTIONAL:
            unmatched.append(folder)
        _remove(site / folder)
    if unmatched:
        sys.exit(f"trim.py: not there, so look where it went: {', '.join(unmatched)}")
    for path in sorted(site.rglob("*")):
        if path.is_symlink() or not path.exists():
            continue
        if path.is_dir() and path.name in NAMES:
            _remove(path)
        elif path.is_file() and path.name.endswith(ENDINGS):
            path.unlink()


# Depends on how the folder was made: pip writes scripts, and setuptools 81 dropped pkg_resources.
_OPTIONAL = ("bin", "pkg_resources", "_distutils_hack")


def _remove(folder: pathlib.Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


if __name__ == "__main__":
    trim(pathlib.Path(sys.argv[1]))
