"""Checksums of what a report is made from: the trust's files and the project's code."""

from __future__ import annotations

import contextlib
import hashlib
import json
from functools import cache
from pathlib import Path

from helpers.parameters import PROJECT

SOURCE = PROJECT / "src" / "helpers"
CHUNK_BYTES = 1 << 20
# A file changed this shortly before it was read may change again within one tick of the clock.
UNSURE_NS = 2_000_000_000


def hash_inputs(folder: Path, seen: Path) -> dict[str, str]:
    """Return the SHA-256 of every file directly in a folder, by name.

    A file whose size and time of change are those noted in ``seen`` is not read again, as git does;
    one changed just before it was noted is.
    """
    noted = _read_noted(seen)
    fresh: dict[str, list] = {}
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.name.startswith("."):
            continue
        status = path.stat()
        mark = [status.st_size, status.st_mtime_ns, status.st_ino]
        old = noted.get(path.name)
        is_same = old is not None and old[:3] == mark and old[4] - status.st_mtime_ns > UNSURE_NS
        digest = old[3] if is_same else hash_file(path)
        fresh[path.name] = [*mark, digest, old[4] if is_same else _now_ns(seen)]
    if fresh != noted:
        with contextlib.suppress(OSError):  # notes save time; a run can do without
            seen.write_text(json.dumps(fresh), encoding="utf-8")
    return {name: entry[3] for name, entry in fresh.items()}


def mark_inputs(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return size, time of change and number on disk of every file: quick, to see a change by."""
    found = {path.name: path.stat() for path in folder.glob("*") if not path.name.startswith(".")}
    return {name: (one.st_size, one.st_mtime_ns, one.st_ino) for name, one in found.items()}


def hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def hash_project_file(path: Path) -> str:
    """Return the checksum of a file of the project's, read again only if its size or time changed."""
    status = path.stat()
    return _hash_as_it_is(path, status.st_size, status.st_mtime_ns)


@cache
def _hash_as_it_is(path: Path, size: int, changed_ns: int) -> str:
    return hash_file(path)


@cache
def hash_code(parts: tuple[str, ...]) -> str:
    """Return one checksum of source files and folders under ``src/helpers``."""
    return hash_text("\n".join(_hash_part(part) for part in sorted(set(parts))))


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hash_lookups(folder: Path) -> dict[str, str]:
    """Return the checksum of each reference table."""
    return {path.name: hash_project_file(path) for path in sorted(folder.glob("*.csv"))}


@cache
def _hash_part(part: str) -> str:
    place = SOURCE / part
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    kept = [path for path in files if path.is_file() and path.suffix != ".pyc"]
    return hash_text(
        "\n".join(f"{path.relative_to(SOURCE).as_posix()} {hash_file(path)}" for path in kept)
    )


def _read_noted(seen: Path) -> dict[str, list]:
    try:
        noted = json.loads(seen.read_text(encoding="utf-8"))
        return noted if all(len(entry) == 5 for entry in noted.values()) else {}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _now_ns(beside: Path) -> int:
    """Return the time by the clock of the disk that holds the notes."""
    beside.touch()
    return beside.stat().st_mtime_ns
