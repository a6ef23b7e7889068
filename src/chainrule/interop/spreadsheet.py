"""A table as CSV text or as a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO
from typing import Any

from chainrule.numbers.arithmetic import MissingLibraryError

# The colour of a row by the first word of its verdict: enough for a glance, never the only sign.
COLOURS = {"right": "#e3f4e1", "follows": "#fdf3d0", "wrong": "#fbdcd9", "not": "#ececec"}
WIDEST = 60  # characters of a column


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV; None is an empty field.

    >>> csv_text(("name", "value"), [("net_h1", 0.3775), ("a,b", None)])
    'name,value\\nnet_h1,0.3775\\n"a,b",\\n'
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def workbook(header: Sequence[str], rows: Sequence[Sequence[Any]], colour_by: str = "") -> bytes:
    """A table as an .xlsx file; the rows coloured by the first word of one column.

    A text is written as text, also where it begins with an equals sign. Raises `MissingLibraryError` where xlsxwriter
    isn't installed.
    """
    try:
        from xlsxwriter import Workbook
    except ImportError:
        raise MissingLibraryError('writing .xlsx needs: pip install "chainrule[data]"') from None
    data = BytesIO()
    book = Workbook(data, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("checked")
    bold = book.add_format({"bold": True, "bottom": 1})
    formats = {
        word: book.add_format({"bg_color": colour, "text_wrap": True, "valign": "top"})
        for word, colour in COLOURS.items()
    }
    column = list(header).index(colour_by) if colour_by else -1
    sheet.write_row(0, 0, header, bold)
    for place, row in enumerate(rows, 1):
        word = str(row[column]).split()[0] if column >= 0 and str(row[column]) else ""
        for at, value in enumerate(row):
            if value is not None:
                sheet.write(place, at, value, formats.get(word))
            else:
                sheet.write_blank(place, at, None, formats.get(word))
    for at in range(len(header)):
        longest = max((len(str(row[at])) for row in rows if row[at] is not None), default=0)
        sheet.set_column(at, at, min(WIDEST, max(longest, len(header[at]))) + 2)
    sheet.freeze_panes(1, 0)
    book.close()
    return data.getvalue()
