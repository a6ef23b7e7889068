"""The live page as one file of HTML that needs nothing else: its data, its style sheet and its script."""

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files

from chainrule.page.modules import joined
from chainrule.page.packed import packed
from chainrule.page.program_json import Live, live_data

# Images are the reader's own exports of the picture. Nothing is ever fetched.
POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src blob: data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
FRAME = (
    '<iframe title="{title}" sandbox="allow-scripts allow-downloads" allow="clipboard-write" loading="lazy" '
    "style=\"width:100%;height:{height}px;border:0\" srcdoc='{page}'></iframe>"
)
STYLES = ("page", "picture", "cells", "derivation", "panels", "media")  # the later ones override
STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
BLANK = re.compile(r"\s*\n\s*")
HEIGHT = 900  # pixels of a page inside another one, which can't tell how much it needs
UNSEEN = "This page calculates as you change a number, so it needs JavaScript. It asks the network for nothing."


def page_html(live: Live, *, address: bool = True) -> str:
    """The page as one file that works from disk. Without ``address`` its state stays out of the address bar.

    Raises ``ValueError`` where a number is NaN or infinite, which JSON has no text for.
    """
    style, script = style_text(), joined("file")
    data = live_data(live) | ({} if address else {"address": False})
    title = escape(live.title) or "chainrule"
    policy = POLICY.format(script=_hash(script), style=_hash(style))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<main id="chainrule"></main>\n<noscript><p>{UNSEEN}</p></noscript>\n'
        f'<script type="application/json" id="network">{embedded(packed(data))}</script>\n'
        f'<script type="module">{script}</script>\n</body>\n</html>\n'
    )


def page_frame(live: Live, height: int = HEIGHT) -> str:
    """The page inside another one, such as a notebook's, of which it sees nothing and to which it can do nothing."""
    page = page_html(live, address=False).replace("&", "&amp;").replace("'", "&#39;")  # its many " stay as they are
    return FRAME.format(title=escape(live.title), height=height, page=page)


def embedded(data: object) -> str:
    """Data as JSON that can stand inside a ``script`` element: no ``<`` in it can end or begin anything.

    >>> embedded({"title": "</script><!--"})
    '{"title":"\\\\u003c/script>\\\\u003c!--"}'
    """
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


@cache
def style_text() -> str:
    """The page's style sheet, with the font of its formulas: MathML is only as good as its font."""
    package = files("chainrule")
    font = b64encode(package.joinpath("render", "fonts", "termes-math-subset.woff2").read_bytes()).decode()
    face = f'@font-face{{font-family:"Termes Math";src:url(data:font/woff2;base64,{font}) format("woff2")}}'
    sheets = (package.joinpath("page", f"{name}.css").read_text(encoding="utf-8") for name in STYLES)
    return "\n".join([face, *(BLANK.sub("\n", STYLE_COMMENT.sub("", sheet)) for sheet in sheets)])


def _hash(text: str) -> str:
    """How a policy names the one script or style sheet that it allows."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
