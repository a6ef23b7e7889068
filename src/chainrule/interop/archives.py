"""Zip files, which spreadsheets and tensor files are."""

import struct
import zipfile
import zlib

# What Python's reader of zip files raises for a damaged one.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, LookupError,
    OverflowError, struct.error,
)  # fmt: skip


def said(problem: Exception) -> str:
    """What an exception says, on one line.

    >>> said(ValueError("bad\\n  zip")), said(EOFError())
    ('bad zip', 'EOFError')
    """
    return " ".join(str(problem).split()) or type(problem).__name__
