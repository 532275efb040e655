"""Tell how a text file is written, and give it to the engine as UTF-8."""

from __future__ import annotations

import codecs
import hashlib
from pathlib import Path

from helpers.cleaning.values import MISSING, NOTHING_KNOWN, Known
from helpers.errors import InputError

CHUNK_BYTES = 1 << 20  # looked at many times over while it is near
SAMPLE_BYTES = 1 << 16
UTF16_ZERO_SHARE = 0.3  # of the sample's even or odd bytes: plain letters in UTF-16 are half zeros
NOT_TEXT = (
    (b"PK\x03\x04", "an Excel workbook or a zip file"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Office file"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF"),
)


def _split_bytes(text: str) -> set[bytes]:
    return {bytes([one]) for one in text.encode()}


TAB, BLANK = b"\t", b" "
# Plain characters that matter if a file has them: blanks, and those of the words for "no value".
LOOKED_FOR = {TAB, BLANK}.union(*(_split_bytes(word) for word in MISSING if word.isascii()))


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
    """Tell whether a file is valid UTF-8, whether its lines end in more than one way, and what is in it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    ends = LineEnds()
    unmet = set(LOOKED_FOR)
    is_utf8 = is_ascii = True
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            unmet = {one for one in unmet if one not in chunk}
            ends.count(chunk)
            is_plain = chunk.isascii()
            is_ascii = is_ascii and is_plain
            if is_utf8 and not is_plain:
                is_utf8 = _decodes(decoder, chunk)
            elif is_utf8:
                is_utf8 = not decoder.getstate()[0]
    is_utf8 = is_utf8 and not decoder.getstate()[0]
    return is_utf8, ends.are_mixed, _tell_known(unmet, is_ascii=is_ascii)


def _tell_known(unmet: set[bytes], *, is_ascii: bool) -> Known:
    """Return what is known of a file that lacks some characters, and may have only plain ones."""
    has_odd = TAB not in unmet or not is_ascii
    words = tuple(
        word
        for word in MISSING
        if (unmet.isdisjoint(_split_bytes(word)) if word.isascii() else not is_ascii)
    )
    return Known(has_blanks=BLANK not in unmet or has_odd, has_odd_blanks=has_odd, missing=words)


class LineEnds:
    """How the lines of a file end, from its parts in order."""

    def __init__(self) -> None:
        self._n_pairs = self._n_feeds = self._n_returns = 0
        self._ends_in_return = False

    def count(self, chunk: bytes) -> None:
        """Take note of the next part."""
        if b"\r" not in chunk and not self._ends_in_return:
            self._n_feeds += b"\n" in chunk  # that there are some is enough
            return
        self._n_feeds += chunk.count(b"\n")
        self._n_returns += chunk.count(b"\r")
        self._n_pairs += chunk.count(b"\r\n") + (self._ends_in_return and chunk.startswith(b"\n"))
        self._ends_in_return = chunk.endswith(b"\r")

    @property
    def are_mixed(self) -> bool:
        """Tell whether lines end in more than one way."""
        kinds = (
            self._n_pairs, self._n_feeds - self._n_pairs, self._n_returns - self._n_pairs,
        )  # fmt: skip
        return sum(kind > 0 for kind in kinds) > 1


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
