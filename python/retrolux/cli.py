"""The `retrolux` command: reads the arguments, runs a subcommand, and turns errors of its user into one line."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from retrolux.streams import lasting_streams, readable_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrolux.commands import Command

__all__ = ["main", "parse"]

_DESCRIPTION = """\
Photonic neural networks on meshes of Mach-Zehnder interferometers.

retrolux --version prints the version; retrolux SUBCOMMAND --help explains a subcommand."""

# The Python package and the module it brings.
_NEEDED = {
    "bokeh": "bokeh",
    "dask": "dask",
    "distributed": "distributed",
    "filelock": "filelock",
    "h5netcdf": "h5netcdf",
    "h5py": "h5py",
    "jinja2": "jinja2",
    "markupsafe": "markupsafe",
    "matplotlib": "matplotlib",
    "optuna": "optuna",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "scipy": "scipy",
    "sqlalchemy": "sqlalchemy",
    "tqdm": "tqdm",
    "tyro": "tyro",
    "xarray": "xarray",
}

_HINT = 'pip install "retrolux[study]"'
_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``retrolux`` on the command line; that of the process when None.

    Returns
    -------
    int
        Exit code: 0 done, 2 an error that the user can mend, 130 interrupted by Ctrl-C.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    with lasting_streams():
        try:
            try:
                return _run(arguments)
            finally:
                sys.stdout.flush()
        except KeyboardInterrupt as interrupt:
            return _fail(str(interrupt) or "interrupted", _INTERRUPTED)
        except ModuleNotFoundError as error:
            return _fail(f"{error}: {_HINT}", 2)
        except MemoryError as error:
            return _fail(f"there is not enough memory: {error}".rstrip(": "), 2)
        except (ValueError, OSError, FloatingPointError) as error:
            return _fail(str(error), 2)
        except RuntimeError as error:
            said = str(error).rpartition("DefaultCPUAllocator: ")
            if not said[1]:
                raise
            return _fail(f"there is not enough memory: {said[2]}", 2)  # as torch tells it


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        import retrolux  # noqa: PLC0415 - help and errors come without it

        print(f"retrolux {retrolux.__version__}")
        return 0
    return parse(arguments).run()


def parse(arguments: list[str]) -> Command:
    """Return the subcommand that the arguments describe; leaves by SystemExit after printing help.

    Raises
    ------
    ModuleNotFoundError
        When a package of the extra ``study`` is missing.
    ValueError
        When the arguments make no sense; says why in one line.
    """
    missing = [package for package, module in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise ModuleNotFoundError(f"the command needs {', '.join(missing)}, not installed here")
    import tyro  # noqa: PLC0415 - only now known to be there

    from retrolux import commands  # noqa: PLC0415 - needs tyro

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), readable_width():
            command: Command = tyro.cli(
                commands.parser(arguments),
                prog="retrolux",
                description=_DESCRIPTION,
                args=arguments,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone),
            )
            return command
    except SystemExit as leaving:
        if leaving.code in {0, None}:
            raise
        about = ["retrolux", *(name for name in arguments[:1] if name in commands.NAMES), "--help"]
        raise ValueError(f"{_first_sentence(said.getvalue())}; see {' '.join(about)}") from None


def _first_sentence(box: str) -> str:
    """Return the message in a box that tyro drew: what stands between its title and its next rule.

    Where a value of nested settings is refused, tyro's own name for them is left out.
    """
    lines = [line.strip("│|╭╮╰╯ ") for line in box.splitlines()]

    def is_text(line: str) -> bool:
        return bool(line.strip("─-"))

    body = itertools.dropwhile(lambda line: not is_text(line), lines[1:])
    sentence = " ".join(itertools.takewhile(is_text, body)).rstrip(".")
    return re.sub(r"^Error parsing __tyro-dummy-inner__\S*: ", "", sentence)


def _fail(message: str, code: int) -> int:
    print(f"retrolux: {' '.join(message.split())}", file=sys.stderr)
    return code
