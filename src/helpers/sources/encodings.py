"""Tell how a text file is written, and give it to the engine as UTF-8."""

from __future__ import annotations

import codecs
import hashlib
from pathlib import Path

from helpers.cleaning.values import NOTHING_KNOWN, Known
from helpers.errors import InputError

CHUNK_BYTES = 1 << 22
SAMPLE_BYTES = 1 << 16
UTF16_ZERO_SHARE = 0.3  # of the sample's even or odd bytes: plain letters in UTF-16 are half zeros
NOT_TEXT = (
    (b"PK\x03\x04", "an Excel workbook or a zip file"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Office file"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF"),
)


def find_sha256(path: Path) -> str:
    """Return a file's checksum."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def as_utf8(path: Path, workspace: Path) -> tuple[Path, list[str]]:
    """Return a UTF-8 file with one kind of line ending, and what was noticed."""
    plain, notices, _ = look_through(path, workspace)
    return plain, notices


def look_through(path: Path, workspace: Path) -> tuple[Path, list[str], Known]:
    """Return a UTF-8 file with one kind of line ending, what was noticed, and what is known of its text.

    The file itself, where it is that already; else a copy in ``workspace``. UTF-16 is told by its
    mark or its zero bytes; what is not valid UTF-8 is taken as Windows-1252.

    Raises
    ------
    InputError
        If the file is not text, or holds bytes that no encoding explains.
    """
    with path.open("rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
    for mark, words in NOT_TEXT:
        if sample.startswith(mark):
            raise InputError(
                f"{path.name} is {words} under another name.\n"
                "Give it the ending of what it is (.xlsx or .parquet), or export it as CSV (UTF-8)."
            )
    utf16 = _find_utf16(sample)
    if utf16:
        return _rewrite(path, workspace, utf16), ["Read as UTF-16."], NOTHING_KNOWN
    if b"\0" in sample:
        raise InputError(f"{path.name} is not text: it holds zero bytes. Export it as CSV (UTF-8).")
    is_utf8, has_mixed_endings, known = _scan(path)
    if not is_utf8:
        return _rewrite(path, workspace, "cp1252"), ["Read as Windows-1252 (cp1252)."], known
    if has_mixed_endings:
        return _rewrite(path, workspace, "utf-8-sig"), [], known
    return path, [], known


def _find_utf16(sample: bytes) -> str:
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    half = max(len(sample) // 2, 1)
    if sample[1::2].count(0) / half > UTF16_ZERO_SHARE and sample[0::2].count(0) == 0:
        return "utf-16-le"
    if sample[0::2].count(0) / half > UTF16_ZERO_SHARE and sample[1::2].count(0) == 0:
        return "utf-16-be"
    return ""


def _scan(path: Path) -> tuple[bool, bool, Known]:
    """Tell whether a file is valid UTF-8, whether its lines end in more than one way, and of its blanks."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    n_feeds = n_pairs = n_returns = 0
    ends_in_return = False
    is_utf8 = is_ascii = True
    has_tabs = has_spaces = False
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            has_tabs, has_spaces = has_tabs or b"\t" in chunk, has_spaces or b" " in chunk
            is_ascii = is_ascii and chunk.isascii()
            n_feeds += chunk.count(b"\n")
            n_returns += chunk.count(b"\r")
            n_pairs += chunk.count(b"\r\n") + (ends_in_return and chunk.startswith(b"\n"))
            ends_in_return = chunk.endswith(b"\r")
            if is_utf8 and not chunk.isascii():
                is_utf8 = _decodes(decoder, chunk)
            elif is_utf8:
                is_utf8 = not decoder.getstate()[0]
    is_utf8 = is_utf8 and not decoder.getstate()[0]
    kinds = [n_pairs, n_feeds - n_pairs, n_returns - n_pairs]
    has_odd = has_tabs or not is_ascii
    known = Known(has_blanks=has_spaces or has_odd, has_odd_blanks=has_odd)
    return is_utf8, sum(kind > 0 for kind in kinds) > 1, known


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _rewrite(path: Path, workspace: Path, encoding: str) -> Path:
    """Write a copy in UTF-8 with `\\n` at the end of each line."""
    workspace.mkdir(parents=True, exist_ok=True)
    copy = workspace / f"{path.stem}.utf8{path.suffix}"
    n_lines = 0
    try:
        with (
            path.open(encoding=encoding, newline=None) as source,
            copy.open("w", encoding="utf-8", newline="\n") as target,
        ):
            while text := source.read(CHUNK_BYTES):
                target.write(text)
                n_lines += text.count("\n")
    except UnicodeError as error:
        raise InputError(
            f"{path.name}: near line {n_lines + 1:,} there are bytes that cannot be read as {encoding} text.\n"
            "Export the file again as CSV (UTF-8)."
        ) from error
    return copy
