"""Every exhibit on a page goes through here: numbered, captioned, sourced, escaped.

Each ``show_`` function returns an ``Exhibit``, which Jupyter shows as HTML. Text from data is
escaped here and nowhere else, so callers pass plain text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape

import pandas as pd
from matplotlib.figure import Figure

from helpers.report.cells import (
    POUND,
    MoneyUnit,
    describe_hidden,
    find_table_unit,
    is_money,
    is_numeric,
    star_cells,
    write_cells,
)
from helpers.report.downloads import write_download
from helpers.report.figures.picture import Picture, draw_pictures

EXHIBIT_START = '<div class="exhibit'
EMPTY_EXHIBIT = f'{EXHIBIT_START}"></div>'
LONG_TABLE_ROWS = 40
SHORT_HEAD = 14  # letters; row headings up to this length are never broken
PHONE = "(max-width: 36rem)"  # as in report.css
LONG_CELL = 30  # letters; a column with longer words gets room for them
LONG_TEXT = ' class="words"'
NOTICE_KINDS = ("note", "caution", "method")
NO_ROWS = "has no rows: there is nothing of this kind to show."
BROAD_COLUMNS = 9  # a table of so many columns is set smaller
WRITTEN_MONEY = r"^[−-]?(?:£[\d,.]+[kmbn]*|[\d,]+)$|^–?$"
POUND_SIGNS = ("£", "−£", "-£")


class Exhibit:
    """A piece of a page: HTML for a browser, plain words for a terminal."""

    def __init__(self, html: str, words: str) -> None:
        self._html = f'{EXHIBIT_START}">{html}</div>'
        self._words = words
        self.is_empty = not html

    def _repr_html_(self) -> str:
        return self._html

    def __repr__(self) -> str:
        return self._words


def show_words(*paragraphs: str) -> Exhibit:
    """Show sentences written from the trust's figures, a paragraph each; blank ones are left out."""
    kept = [text for text in paragraphs if text]
    return Exhibit("".join(f"<p>{escape(text)}</p>" for text in kept), "\n".join(kept))


def show_list(items: Iterable[str]) -> Exhibit:
    """Show sentences as a list; blank ones are left out."""
    kept = [text for text in items if text]
    rows = "".join(f"<li>{escape(text)}</li>" for text in kept)
    return Exhibit(f"<ul>{rows}</ul>" if kept else "", "\n".join(kept))


def show_answers(answers: Iterable[tuple[str, str]]) -> Exhibit:
    """Show questions, each with its answer, as a list; the questions stand out."""
    kept = list(answers)
    rows = "".join(
        f"<li><strong>{escape(question)}</strong> {escape(answer)}</li>"
        for question, answer in kept
    )
    words = "\n".join(f"{question} {answer}" for question, answer in kept)
    return Exhibit(f"<ul>{rows}</ul>" if kept else "", words)


def show_links(links: Iterable[tuple[str, str]]) -> Exhibit:
    """Show links to other pages of the report set: words, and a relative path each."""
    kept = list(links)
    for words, place in kept:
        if ":" in place or place.startswith(("/", "\\")):
            raise ValueError(f"a link stays inside the folder of reports; {words!r} does not")
    rows = "".join(
        f'<li><a href="{escape(place)}">{escape(words)}</a></li>' for words, place in kept
    )
    return Exhibit(f"<ul>{rows}</ul>" if kept else "", "\n".join(words for words, _ in kept))


def show_notice(text: str, *, kind: str = "note") -> Exhibit:
    """Show a boxed notice; ``kind`` is note, caution or method. A blank text shows nothing.

    A note on method is folded: a reader opens it who wants to know how a figure is worked out.
    """
    if kind not in NOTICE_KINDS:
        raise ValueError(f"a notice is one of {', '.join(NOTICE_KINDS)}, not {kind!r}")
    if not text:
        return Exhibit("", "")
    if kind == "method":
        return Exhibit(_fold("How this is worked out", text, kind="method"), text)
    return Exhibit(f'<aside class="notice {kind}"><p>{escape(text)}</p></aside>', text)


def show_cards(cards: Sequence[Mapping[str, str]]) -> Exhibit:
    """Show key figures as cards: ``label``, ``value`` and, optionally, ``range`` and ``note``.

    ``range`` says how sure the value is, in words, and stands right under it.
    """
    html = "".join(
        f'<div class="card"><dt>{escape(card["label"])}</dt>'
        f'<dd class="value">{escape(card["value"])}</dd>'
        f'<dd class="note">{_write_range(card)}{escape(card.get("note", ""))}</dd></div>'
        for card in cards
    )
    words = "\n".join(f"{card['label']}: {card['value']}" for card in cards)
    return Exhibit(f'<dl class="cards">{html}</dl>', words)


def show_folded(title: str, *exhibits: Exhibit) -> Exhibit:
    """Show exhibits behind a title that the reader opens; on paper they are open.

    Where none of them shows anything, nor does this.
    """
    if all(exhibit.is_empty for exhibit in exhibits):
        return Exhibit("", "")
    inner = "".join(exhibit._repr_html_() for exhibit in exhibits)
    html = f'<details class="fold sheet"><summary>{escape(title)}</summary>{inner}</details>'
    return Exhibit(html, "\n".join([title, *map(repr, exhibits)]))


def join_exhibits(exhibits: Sequence[Exhibit]) -> Exhibit:
    """Return several exhibits as one, in their order."""
    html = "".join(exhibit._repr_html_() for exhibit in exhibits)
    return Exhibit(html, "\n".join(map(repr, exhibits)))


def show_figure(
    figure: Figure | str | None,
    *,
    number: str,
    caption: str,
    alt: str,
    source: str,
    data: pd.DataFrame | None = None,
    how_to_read: str = "",
) -> Exhibit:
    """Show a figure with its number, caption (with the unit), alt text (the finding) and source.

    A sentence instead of a figure says why there is nothing to draw; it has no reading guide and no
    data. ``None`` shows nothing: the trust's files do not reach that far, and the words beside it say so.

    Parameters
    ----------
    data
        What is drawn, a row a mark: the reader can take it away as CSV.
    how_to_read
        One or two sentences on how such a figure is read, folded under it.
    """
    if figure is None:
        return Exhibit("", "")
    _check_given(number=number, caption=caption, alt=alt, source=source)
    if isinstance(figure, str):
        return _say_nothing(f"figure-{number}", f"Figure {number} is not drawn: {figure}")
    wide, narrow = draw_pictures(figure)
    name = escape(f"figure-{number}")
    html = (
        f'<figure class="picture" id="{name}" aria-labelledby="{name}-caption">'
        f'<figcaption id="{name}-caption"><b>Figure {escape(number)}</b> {escape(caption)}</figcaption>'
        f"{_write_picture(wide, narrow, alt, f'{name}-caption')}"
        f"{_fold('How to read this figure', how_to_read)}"
        f'<p class="source">Source: {escape(source)}</p>'
        f"{_offer(data, name=f'figure-{number}')}</figure>"
    )
    return Exhibit(html, f"Figure {number} {caption} {alt}")


def _write_picture(wide: Picture, narrow: Picture | None, alt: str, caption: str) -> str:
    """Return a figure's picture: another for a phone, or one that a phone scrolls sideways."""
    ground = "" if wide.follows_theme else ' class="on-white"'
    image = (
        f'<img{ground} alt="{escape(alt)}" width="{wide.width}" height="{wide.height}" '
        f'src="{escape(wide.address)}">'
    )
    if narrow is None:
        return f'<div class="scroll drawn" role="region" tabindex="0" aria-labelledby="{caption}">{image}</div>'
    other = (
        f'<source media="{PHONE}" width="{narrow.width}" height="{narrow.height}" '
        f'srcset="{escape(narrow.address)}">'
    )
    return f"<picture>{other}{image}</picture>"


def show_table(
    frame: pd.DataFrame | None,
    *,
    number: str,
    caption: str,
    source: str,
    columns: Mapping[str, str],
    total: bool = False,
    note: str = "",
    exact: Collection[str] = (),
    how_to_read: str = "",
    folded: bool = False,
    nothing: str = NO_ROWS,
) -> Exhibit:
    """Show a table with a caption, proper headers and numbers written by their unit.

    Rows are shown in the order in which they come: sort the frame first. All money in a table has
    one unit, which stands in the headings. A table of more than 40 rows scrolls inside its frame
    with its headings in sight.

    Parameters
    ----------
    columns
        Columns to show, in order, and their headings. The first one heads each row. A name's
        ending says how it is written: ``_pence`` pounds, ``_prop`` per cent (``_whole_prop`` without decimals), ``n_`` a count,
        ``_days`` days; other numbers are whole, or have two decimals.
    total
        The last row is a total and is set apart.
    frame
        A column ``hidden`` names the columns of a row that may not be shown: they read ``*``, here and in
        the download, and a note says so.
    note
        A remark under the table.
    exact
        Columns of pence that are written to the penny.
    how_to_read
        One or two sentences on how such a table is read, folded under it.
    folded
        On a screen only the caption is in sight until the reader opens it; print shows all.
    nothing
        What is said, after the table's number, where it has no rows.

    ``None`` shows nothing: the files do not reach that far, and the words beside it say so.
    """
    if frame is None:
        return Exhibit("", "")
    _check_given(number=number, caption=caption, source=source)
    if frame.empty:
        return _say_nothing(f"table-{number}", f"Table {number} {nothing}")
    names = list(columns)
    shared = [
        name
        for name in names
        if is_money(name, frame[name]) and name not in exact and "£" not in columns[name]
    ]
    unit = find_table_unit([frame[name] for name in shared])
    units = dict.fromkeys(names, POUND) | dict.fromkeys(shared, unit)
    cells = {
        name: star_cells(
            name, write_cells(name, frame[name], unit=units[name], exact=name in exact), frame
        )
        for name in names
    }
    name = escape(f"table-{number}")
    wordy = {column for column in names if max(map(len, cells[column]), default=0) > LONG_CELL}
    sides = [_align(frame[column]) for column in names]
    styles = [
        side or (LONG_TEXT if column in wordy else "")
        for side, column in zip(sides, names, strict=True)
    ]
    rows = [
        _row(
            [cells[column][place] for column in names],
            sides[0],
            styles[1:],
            is_total=total and last,
        )
        for place, last in _places(len(frame))
    ]
    body = "".join(rows)
    note = " ".join(words for words in (note, describe_hidden(frame, names)) if words)
    remark = f'<p class="note">{escape(note)}</p>' if note else ""
    size = " long" if len(frame) > LONG_TABLE_ROWS else ""
    size += " broad" if len(names) >= BROAD_COLUMNS else ""
    size += " codes" if max(map(len, cells[names[0]]), default=0) <= SHORT_HEAD else ""
    html = (
        f'<div class="table{size}" id="{name}">'
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}-caption"><table>'
        f'<caption><span id="{name}-caption"><b>Table {escape(number)}</b> {escape(caption)}</span></caption>'
        f"<thead><tr>{_head(frame, columns, units)}</tr></thead><tbody>{body}</tbody></table></div>"
        f"{remark}{_fold('How to read this table', how_to_read)}"
        f'<p class="source">Source: {escape(source)}</p>'
        f"{_offer(frame, name=f'table-{number}', headings=columns)}</div>"
    )
    if folded:
        html = (
            f'<details class="folded"><summary>Table {escape(number)}: {escape(caption)}</summary>'
            f"{html}</details>"
        )
    return Exhibit(html, f"Table {number} {caption}\n{frame[names].to_string(index=False)}")


def _say_nothing(name: str, words: str) -> Exhibit:
    """Return a sentence in an exhibit's place: nothing to read, to trace or to take away."""
    return Exhibit(f'<p class="none" id="{escape(name)}">{escape(words)}</p>', words)


def _offer(
    frame: pd.DataFrame | None, *, name: str, headings: Mapping[str, str] | None = None
) -> str:
    """Return the link to an exhibit's data: every download of a page passes here."""
    if frame is None or frame.empty:
        return ""
    return write_download(frame, name=name, headings=headings)


def _fold(title: str, text: str, *, kind: str = "reading") -> str:
    """Return words that a reader opens; nothing for a blank text."""
    if not text:
        return ""
    return f'<details class="fold {kind}"><summary>{escape(title)}</summary><p>{escape(text)}</p></details>'


def _write_range(card: Mapping[str, str]) -> str:
    words = card.get("range", "")
    return f'<span class="range">{escape(words)}</span> ' if words else ""


def _head(frame: pd.DataFrame, columns: Mapping[str, str], units: Mapping[str, MoneyUnit]) -> str:
    """Return the heading cells; a column of money says its unit, unless its heading does."""
    cells = []
    for name, heading in columns.items():
        has_unit = is_money(name, frame[name]) and "£" not in heading
        written = f' <span class="unit">{escape(units[name].name)}</span>' if has_unit else ""
        cells.append(f'<th scope="col"{_align(frame[name])}>{escape(heading)}{written}</th>')
    return "".join(cells)


def _row(cells: list[str], head_style: str, styles: list[str], *, is_total: bool) -> str:
    rest = "".join(
        f"<td{style}>{escape(text)}</td>" for text, style in zip(cells[1:], styles, strict=True)
    )
    tag = 'th scope="row"' if cells[0].strip() else "td"  # nothing is no heading
    head = f"<{tag}{head_style}>{escape(cells[0])}</{tag[:2]}>"
    start = '<tr class="total">' if is_total else "<tr>"
    return f"{start}{head}{rest}</tr>"


def _places(n_rows: int) -> list[tuple[int, bool]]:
    return [(place, place == n_rows - 1) for place in range(n_rows)]


def _align(values: pd.Series) -> str:
    """Numbers stand at the right, so that they can be compared down a column; so does written money."""
    return ' class="number"' if is_numeric(values) or _is_written_money(values) else ""


def _is_written_money(values: pd.Series) -> bool:
    """Tell whether a column of text holds sums only, as identities do: pounds and pence, or rows."""
    words = values.astype("str")
    return bool(words.str.startswith(POUND_SIGNS).any() and words.str.match(WRITTEN_MONEY).all())


def _check_given(**needed: str) -> None:
    blank = [name for name, text in needed.items() if not str(text).strip()]
    if blank:
        raise ValueError(f"an exhibit needs its {', '.join(blank)}")
