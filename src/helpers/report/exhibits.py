"""Every exhibit on a page goes through here: numbered, captioned, sourced, escaped.

Each ``show_`` function returns an ``Exhibit``, which Jupyter shows as HTML. Text from data is
escaped here and nowhere else, so callers pass plain text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import pandas as pd
from matplotlib.figure import Figure

from helpers.report.figures.style import to_svg
from helpers.report.formats import format_count, format_days, format_gbp, format_prop


class Exhibit:
    """A piece of a page: HTML for a browser, plain words for a terminal."""

    def __init__(self, html: str, words: str) -> None:
        self._html, self._words = html, words

    def _repr_html_(self) -> str:
        return self._html

    def __repr__(self) -> str:
        return self._words


def show_words(*paragraphs: str) -> Exhibit:
    """Show sentences written from the trust's figures, a paragraph each; blank ones are left out."""
    kept = [text for text in paragraphs if text]
    return Exhibit("".join(f"<p>{escape(text)}</p>" for text in kept), "\n".join(kept))


def show_list(items: Iterable[str]) -> Exhibit:
    """Show sentences as a list."""
    kept = [text for text in items if text]
    return Exhibit(
        f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in kept)}</ul>", "\n".join(kept)
    )


def show_notice(text: str, *, kind: str = "note") -> Exhibit:
    """Show a boxed notice; ``kind`` is note, caution or method."""
    if not text:
        return Exhibit("", "")
    return Exhibit(f'<aside class="notice {escape(kind)}"><p>{escape(text)}</p></aside>', text)


def show_cards(cards: Sequence[Mapping[str, str]]) -> Exhibit:
    """Show key figures as cards: each has ``label``, ``value`` and, optionally, ``note``."""
    html = "".join(
        f'<div class="card"><dt>{escape(card["label"])}</dt><dd class="value">{escape(card["value"])}</dd>'
        f'<dd class="note">{escape(card.get("note", ""))}</dd></div>'
        for card in cards
    )
    words = "\n".join(f"{card['label']}: {card['value']}" for card in cards)
    return Exhibit(f'<dl class="cards">{html}</dl>', words)


def show_figure(figure: Figure, *, number: str, caption: str, alt: str, source: str) -> Exhibit:
    """Show a figure with its number, caption (with the unit), alt text (the finding) and source."""
    _check_given(number=number, caption=caption, alt=alt, source=source)
    picture = base64.b64encode(to_svg(figure).encode()).decode()
    html = (
        f'<figure id="figure-{escape(number)}">'
        f"<figcaption><b>Figure {escape(number)}</b> {escape(caption)}</figcaption>"
        f'<img alt="{escape(alt, quote=True)}" src="data:image/svg+xml;base64,{picture}">'
        f'<p class="source">Source: {escape(source)}</p></figure>'
    )
    return Exhibit(html, f"Figure {number} {caption} {alt}")


def show_table(
    frame: pd.DataFrame,
    *,
    number: str,
    caption: str,
    source: str,
    columns: Mapping[str, str],
    total: bool = False,
) -> Exhibit:
    """Show a table with a caption, proper headers and numbers written by their unit.

    Parameters
    ----------
    columns
        Columns to show, in order, and their headings. The first one heads each row. A name's
        ending says how it is written: ``_pence`` pounds, ``_prop`` per cent, ``n_`` a count,
        ``_days`` days, other numbers two decimals.
    total
        The last row is a total and is set apart.
    """
    _check_given(number=number, caption=caption, source=source)
    names = list(columns)
    heads = "".join(
        f'<th scope="col"{_align(frame[name])}>{escape(columns[name])}</th>' for name in names
    )
    rows = []
    for position, record in enumerate(frame[names].to_dict("records")):
        cells = [f'<th scope="row">{_write(names[0], record[names[0]])}</th>']
        cells += [f"<td{_align(frame[name])}>{_write(name, record[name])}</td>" for name in names[1:]]
        is_total = total and position == len(frame) - 1
        rows.append(f"<tr{' class=total' if is_total else ''}>{''.join(cells)}</tr>")
    html = (
        f'<div class="table" id="table-{escape(number)}" role="region" tabindex="0" '
        f'aria-label="{escape("Table " + number, quote=True)}"><table>'
        f"<caption><b>Table {escape(number)}</b> {escape(caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f'<p class="source">Source: {escape(source)}</p></div>'
    )
    return Exhibit(html, f"Table {number} {caption}\n{frame[names].to_string(index=False)}")


def _align(values: pd.Series) -> str:
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return ' class="number"' if is_number else ""


def _write(name: str, value: object) -> str:
    """Return one cell as safe text, written by the unit that its column's name tells."""
    if value is None or pd.isna(value):
        return "–"
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_pence"):
        return format_gbp(value)
    if name.endswith("_prop"):
        return format_prop(value, 1)
    if name.endswith("_days"):
        return format_days(value).removesuffix(" days")
    if name.startswith("n_") or float(value).is_integer():
        return format_count(value)
    return f"{value:,.2f}".replace("-", "−")


def _check_given(**needed: str) -> None:
    blank = [name for name, text in needed.items() if not str(text).strip()]
    if blank:
        raise ValueError(f"an exhibit needs its {', '.join(blank)}")
