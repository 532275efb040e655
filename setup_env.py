"""Create or refresh the project's environment, then run a command in it.

Standard library only, so that it works before anything is installed::

    python setup_env.py                      set up what reports and tests need
    python setup_env.py --lab                the same, with JupyterLab; so --browser and --spark
    python setup_env.py report XYZ           set up, then `python -m helpers report XYZ`

It does nothing when the environment is current: a stamp inside it holds a checksum of the lock file
and of the Python that made it. `uv` installs when it is present; otherwise `venv` and `pip` do.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST, NEWEST = (3, 11), (3, 13)
BASE = "requirements.lock"
# What more can be asked for, each with a lock of its own on top of the base.
EXTRAS = {
    "--lab": "requirements-lab.lock",  # JupyterLab
    "--browser": "requirements-browser.lock",  # tests of pages in a real browser
    "--spark": "requirements-spark.lock",  # the second engine
}


def find_environment() -> Path:
    """Return the environment's folder: the active conda one, or `.venv` beside this file."""
    conda = os.environ.get("CONDA_PREFIX", "")
    if conda and Path(sys.prefix).resolve() == Path(conda).resolve():
        return Path(conda)
    return Path(os.environ.get("SLR_ENV", ROOT / ".venv"))


def find_python(environment: Path) -> Path:
    """Return the interpreter inside an environment, on Windows or elsewhere."""
    if os.name == "nt":
        inside = environment / "Scripts" / "python.exe"
        return inside if inside.exists() else environment / "python.exe"
    return environment / "bin" / "python"


def read_wanted(lock: Path) -> str:
    """Return the checksum that a current environment carries."""
    digest = hashlib.sha256(lock.read_bytes())
    digest.update(f"{sys.version_info[:2]} {ROOT}".encode())
    return digest.hexdigest()


def is_current(environment: Path, lock: Path) -> bool:
    stamp = environment / f"{lock.stem}.sha256"
    return (
        find_python(environment).exists()
        and stamp.exists()
        and stamp.read_text(encoding="ascii").strip() == read_wanted(lock)
    )


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], cwd=ROOT)
    if done.returncode:
        raise SystemExit(
            f"Set-up stopped: `{' '.join(str(part) for part in command[:4])} ...` failed.\n"
            "Check the network or the package index your organisation uses, then run the same "
            "command again; it carries on where it stopped."
        )


def install(environment: Path, lock: Path) -> None:
    """Install exactly what the lock pins, refusing any file whose checksum differs."""
    python, uv = find_python(environment), shutil.which("uv")
    if not python.exists():
        print(f"  making {environment.name} with Python {sys.version.split()[0]}", flush=True)
        if uv:
            run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, environment)
        else:
            run(sys.executable, "-m", "venv", environment)
    print(f"  installing {lock.name} with {'uv' if uv else 'pip'}", flush=True)
    if uv:
        compiling = ["--compile-bytecode"] if sys.dont_write_bytecode else []
        run(
            uv, "pip", "install", "--quiet", *compiling, "--python", python, "--require-hashes",
            "-r", lock,
        )  # fmt: skip
    else:
        run(
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            lock,
        )


def add_source_path(environment: Path) -> None:
    """Let the environment import `helpers` from `src/`, with no build step."""
    asked = subprocess.run(
        [
            str(find_python(environment)),
            "-c",
            "import sysconfig; print(sysconfig.get_paths()['purelib'])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    path_file = Path(asked.stdout.strip()) / "service_line_reporting.pth"
    path_file.write_text(f"{ROOT / 'src'}\n", encoding="utf-8")


def compile_source(environment: Path) -> None:
    """Compile the project's own code once, so that no process does it again; a failure costs time only.

    Python does so by itself as modules are used, unless it is told to write nothing
    (`PYTHONDONTWRITEBYTECODE`): every process would then compile all that it uses, in seconds.
    """
    if not sys.dont_write_bytecode:
        return
    command = [str(find_python(environment)), "-m", "compileall", "-q", "src"]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def set_up(environment: Path, lock: Path) -> None:
    """Bring the environment to what the lock says; quick and silent when it is there already."""
    if is_current(environment, lock):
        return
    began = time.monotonic()
    print("Setting up (first run, or the lock file changed):", flush=True)
    install(environment, lock)
    add_source_path(environment)
    compile_source(environment)
    stamp = environment / f"{lock.stem}.sha256"
    stamp.write_text(read_wanted(lock), encoding="ascii")
    print(f"  ready after {time.monotonic() - began:.0f} s", flush=True)


def split_extras(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the locks that a command needs on top of the base, and the command itself.

    Tests need the browser's packages, and a run on Spark needs Spark's, without being asked.
    """
    wanted = []
    while arguments and arguments[0] in EXTRAS:
        wanted.append(arguments[0])
        arguments = arguments[1:]
    if arguments[:1] == ["test"]:
        wanted.append("--browser")
    pairs = itertools.pairwise(arguments)
    if ("--engine", "spark") in pairs or "--engine=spark" in arguments:
        wanted.append("--spark")
    return [EXTRAS[name] for name in dict.fromkeys(wanted)], arguments


def main(arguments: list[str]) -> int:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        print(
            f"This needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}; this one is "
            f"{sys.version.split()[0]} ({sys.executable}).\nName another with `make PYTHON=python3.11`.",
            file=sys.stderr,
        )
        return 2
    extras, arguments = split_extras(arguments)
    environment = find_environment()
    for name in (BASE, *extras):
        set_up(environment, ROOT / name)
    if arguments:
        command = [str(find_python(environment)), "-m", "helpers", *arguments]
        if os.name == "posix":
            sys.stdout.flush()
            os.execv(command[0], command)  # so that a signal reaches the command itself
        return subprocess.run(command).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
