"""The project's chores: `nox -l` lists them. The README's own commands need none of this."""

from __future__ import annotations

from pathlib import Path

import nox

nox.options.sessions = ["lint", "native", "sanitize", "guard"]
nox.options.default_venv_backend = "venv"

CXX_FOLDERS = ("csrc", "tests/native", "bench/native", "python/retrolux/bench")
CXX = [str(path) for folder in CXX_FOLDERS for kind in ("*.h", "*.cpp") for path in Path(folder).rglob(kind)]
BUILD = ["cmake", "ninja", "pybind11", "numpy"]
# Where the README installs: mypy reads the types of torch and of the others there.
PYTHON = ".venv/bin/python"


@nox.session
def lint(session: nox.Session) -> None:
    """Style, spelling and types; needs the environment that the README makes."""
    if not Path(PYTHON).exists():
        session.error(f"mypy reads types from {PYTHON}, which is not there: run the README's test command first")
    session.install("-c", "constraints.txt", "ruff", "mypy", "clang-format", "codespell")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("clang-format", "--dry-run", "--Werror", *CXX)
    session.run("codespell", "README.md", "CHANGELOG.md", "csrc", "python", "tests", "bench", "examples")
    session.run("mypy", "--python-executable", PYTHON)


@nox.session
def native(session: nox.Session) -> None:
    """Build with warnings as errors, and run the tests that need no Python module."""
    session.install("-c", "constraints.txt", *BUILD)
    build = session.create_tmp()
    configure(session, build, "-DRETROLUX_WERROR=ON", "-DRETROLUX_TESTS=ON")
    session.run("ctest", "--test-dir", build, "--output-on-failure")


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run the kernel tests under the address and undefined-behaviour sanitizers."""
    session.install("-c", "constraints.txt", "pytest", "pytest-xdist", "hypothesis", "numpy")
    options = ("-C", "cmake.define.RETROLUX_SANITIZE=address,undefined", "-C", "build-dir=build/sanitize")
    session.install("--no-deps", *options, ".")
    runtime = [
        session.run("gcc", f"-print-file-name=lib{name}.so", external=True, silent=True).strip()
        for name in ("asan", "ubsan")
    ]
    session.run(
        "python",
        "-m",
        "pytest",
        "-q",
        "-n",
        "auto",
        "tests/kernels",
        "-p",
        "no:cacheprovider",
        # Python keeps memory until it exits, which is not our leak.
        env={"LD_PRELOAD": " ".join(runtime), "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"},
    )


@nox.session
def fuzz(session: nox.Session) -> None:
    """Hand damaged files to every reader, some minutes; `-- --cases 100000` for a release."""
    session.install("-c", "constraints.txt", ".[study]")
    session.run("python", "tests/fuzz/run.py", *session.posargs)


@nox.session
def guard(session: nox.Session) -> None:
    """Count the instructions of four kernels, and fail when one has grown; `-- --update` keeps the new counts."""
    session.install("-c", "constraints.txt", *BUILD)
    build = session.create_tmp()
    configure(session, build, "-DRETROLUX_BENCH=ON", target="counted")
    session.run("python", "bench/callgrind/guard.py", f"{build}/bench/native/counted", *session.posargs)


@nox.session
def bench_native(session: nox.Session) -> None:
    """Time the kernels by themselves; arguments are those of Google Benchmark and the number of threads."""
    session.install("-c", "constraints.txt", *BUILD)
    build = session.create_tmp()
    configure(session, build, "-DRETROLUX_BENCH=ON", target="bench/native/all")
    program = Path(build, "bench/native/bench_native")
    if not program.exists():
        session.skip("Google Benchmark was not found (Debian, Ubuntu: apt install libbenchmark-dev)")
    session.run(str(program), "--benchmark_counters_tabular=true", *session.posargs, external=True)


@nox.session
def tests(session: nox.Session) -> None:
    """Install as a user would and run all tests."""
    session.install("-c", "constraints.txt", ".[study,test]")
    session.run("python", "-m", "pytest", *session.posargs)


def configure(session: nox.Session, build: str, *options: str, target: str = "all") -> None:
    """Configure and build outside of pip."""
    pybind11 = session.run("python", "-m", "pybind11", "--cmakedir", silent=True).strip()
    session.run("cmake", "-S", ".", "-B", build, "-G", "Ninja", f"-Dpybind11_DIR={pybind11}", *options)
    session.run("cmake", "--build", build, "--target", target)
