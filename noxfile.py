"""The project's chores: `nox -l` lists them. The README's own commands need none of this."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "native", "compilers", "sanitize", "guard"]
nox.options.default_venv_backend = "venv"

CXX_FOLDERS = ("csrc", "tests/native", "bench/native")
CXX = [str(path) for folder in CXX_FOLDERS for kind in ("*.h", "*.cpp") for path in Path(folder).rglob(kind)]
BUILD = ["cmake", "ninja", "pybind11", "numpy"]
KERNEL_TESTS = ["pytest", "pytest-xdist", "hypothesis", "mpmath", "numpy"]
# Others than the one that everything else is built with, the oldest and the newest of a kind that are tried; and the
# instruction sets they build for, which take a minute each.
COMPILERS = {"g++-11": "baseline;avx2", "clang++": "baseline;avx512"}
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
    session.run("codespell", *Path().glob("*.md"), "docs", "csrc", "python", "tests", "bench", "examples")
    session.run("mypy", "--python-executable", PYTHON)


@nox.session
def native(session: nox.Session) -> None:
    """Build with warnings as errors, and run the tests that need no Python module."""
    session.install("-c", "constraints.txt", *BUILD)
    build = session.create_tmp()
    configure(session, build, "-DRETROLUX_WERROR=ON", "-DRETROLUX_TESTS=ON")
    session.run("ctest", "--test-dir", build, "--output-on-failure")


@nox.session
def compilers(session: nox.Session) -> None:
    """Build with other compilers, with warnings as errors, and run the native tests and a choice of the kernels'."""
    session.install("-c", "constraints.txt", "cmake", *KERNEL_TESTS)
    found = [compiler for compiler in COMPILERS if shutil.which(compiler)]
    for compiler in COMPILERS:
        if compiler not in found:
            session.warn(
                f"{compiler} was not found: nothing is built with it (Debian: apt install g++-11 clang libomp-dev)"
            )
    for compiler in found:
        build = f"build/{compiler}"
        defines = [f"cmake.define.RETROLUX_{name}=ON" for name in ("WERROR", "TESTS")]
        # What is built with vectors at home is built without them here, as by compilers that know none.
        defines.append("cmake.define.RETROLUX_PLAIN_VECTORS=baseline")
        defines.append(f"cmake.define.RETROLUX_ISAS={COMPILERS[compiler]}")
        install(session, build, *defines, env={"CXX": compiler})
        session.run("ctest", "--test-dir", build, "--output-on-failure")
        run_kernel_tests(session, "-n", "auto", "-k", "not passes and not threads and not memory")


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run the kernel tests under the address and undefined-behaviour sanitizers."""
    session.install("-c", "constraints.txt", *KERNEL_TESTS)
    # The widest that this machine runs, and the plainest.
    wide = "avx512" if "avx512f" in Path("/proc/cpuinfo").read_text() else "avx2"
    isas = f"cmake.define.RETROLUX_ISAS=baseline;{wide}"
    install(session, "build/sanitize", "cmake.define.RETROLUX_SANITIZE=address,undefined", isas)
    runtime = [
        session.run("gcc", f"-print-file-name=lib{name}.so", external=True, silent=True).strip()
        for name in ("asan", "ubsan")
    ]
    # Python keeps memory until it exits, which is not our leak.
    options = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    # Without memory, sanitizers end the process themselves.
    run_kernel_tests(session, "-n", "auto", "-k", "not memory", env={"LD_PRELOAD": " ".join(runtime), **options})


@nox.session
def sanitize_threads(session: nox.Session) -> None:
    """Run kernels on several threads under the thread sanitizer; not part of a plain `nox`, for what the build takes.

    Clang's OpenMP runtime tells it, by a tool, which thread waits for which: with GCC's every region would be a race.
    """
    if not shutil.which("clang++"):
        session.error("clang++ was not found (Debian: apt install clang libclang-rt-14-dev libomp-14-dev)")
    session.install("-c", "constraints.txt", *KERNEL_TESTS)
    install(session, "build/sanitize_threads", "cmake.define.RETROLUX_SANITIZE=thread", env={"CXX": "clang++"})
    variables = "v('INCLUDEPY'), v('LIBDIR'), v('LDVERSION'), s.get_path('purelib')"
    ask = f"import sys, sysconfig as s; v = s.get_config_var; print(sys.base_prefix, {variables})"
    home, headers, libraries, version, packages = session.run("python", "-c", ask, silent=True).split()
    python = f"{session.create_tmp()}/python"
    link = (f"-L{libraries}", f"-Wl,-rpath,{libraries}", f"-lpython{version}", "-ldl", "-lm", "-lpthread", "-lutil")
    compile_ = ("clang++", "-fsanitize=thread", "-rdynamic", f"-I{headers}", "tests/native/python.cpp", "-o", python)
    session.run(*compile_, *link, external=True)
    resources = Path(session.run("clang++", "-print-resource-dir", external=True, silent=True).strip())
    tool = resources.parents[1] / "libarcher.so"
    if not tool.exists():
        session.error(f"{tool} was not found (Debian: apt install libomp-14-dev)")
    options = {
        "OMP_TOOL_LIBRARIES": str(tool),
        "KMP_BLOCKTIME": "0",
        # What is not compiled so, Python and NumPy, is not looked at.
        "TSAN_OPTIONS": "ignore_noninstrumented_modules=1 exitcode=66",
        "PYTHONHOME": home,
        "PYTHONPATH": packages,
    }
    files = [f"tests/kernels/test_{name}.py" for name in ("threads", "losses", "covariance")]
    # What it finds is written past pytest; the exit code tells.
    chosen = ("-s", "-k", "bit or callers")
    session.run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, *chosen, external=True, env=options)


@nox.session
def kills(session: nox.Session) -> None:
    """Kill commands at random moments and have them go on; `-- --train 50` kills that one alone, fifty times."""
    session.install("-c", "constraints.txt", ".[study]")
    counts = session.posargs or ["--train", "50", "--sweep", "30", "--search", "30", "--report", "10"]
    session.run("python", "tests/kills/kills.py", *counts)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Hand damaged files to every reader, some minutes; `-- --cases 100000` for a release."""
    session.install("-c", "constraints.txt", ".[study]")
    session.run("python", "tests/fuzz/run.py", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Print which lines of Python and C++ no test reaches, some ten minutes; `-- tests/nn` runs those tests alone."""
    session.install("-c", "constraints.txt", ".[study,test]", "pytest-cov", "gcovr")
    build = "build/coverage"
    flags = "cmake.define.CMAKE_CXX_FLAGS=--coverage"
    install(session, build, flags, "cmake.build-type=Debug", "cmake.define.RETROLUX_ISAS=baseline")
    for counts in Path(build).rglob("*.gcda"):
        counts.unlink()
    tests = session.posargs or ["tests", "--slow"]
    session.run("python", "-m", "pytest", "-q", "-n", "auto", "--cov", "--cov-report=term:skip-covered", *tests)
    # The bindings are compiled from files that CMake writes, which are not looked for.
    shown = ("--filter", "csrc/", "--exclude-directories", ".*CompilerId.*", "--sort", "uncovered-number")
    shown += ("--gcov-ignore-errors=no_working_dir_found",)
    session.run("gcovr", "--root", ".", "--object-directory", build, *shown, f"{build}/CMakeFiles")


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
    session.run("python", "-m", "pytest", "--slow", *session.posargs)


def install(session: nox.Session, build: str, *defines: str, env: dict[str, str] | None = None) -> None:
    """Install this checkout alone, as it is built with CMake's `defines` in the folder `build`."""
    options = [option for define in (f"build-dir={build}", *defines) for option in ("-C", define)]
    session.install("--no-deps", "--force-reinstall", *options, ".", env=env)


def run_kernel_tests(session: nox.Session, *options: str, env: dict[str, str] | None = None) -> None:
    """Run tests of the kernels, which need no torch, on what is installed."""
    session.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/kernels", "--slow", *options, env=env)


def configure(session: nox.Session, build: str, *options: str, target: str = "all") -> None:
    """Configure and build outside of pip."""
    pybind11 = session.run("python", "-m", "pybind11", "--cmakedir", silent=True).strip()
    session.run("cmake", "-S", ".", "-B", build, "-G", "Ninja", f"-Dpybind11_DIR={pybind11}", *options)
    session.run("cmake", "--build", build, "--target", target)
