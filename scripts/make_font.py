"""Make the fonts that the HTML pages carry: the letters, digits and signs of mathematics from TeX Gyre Termes.

Needs fonttools with brotli (pip install "fonttools[woff]") and the fonts (Debian: fonts-texgyre fonts-texgyre-math):

    python scripts/make_font.py
"""

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

SOURCES = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/texmf/fonts/opentype/public")
TARGETS = Path(__file__).parent.parent / "src/chainrule/render/fonts"

LATIN = [(0x20, 0x7E), (0xA0, 0xA0), (0xB1, 0xB1), (0xB7, 0xB7), (0xC0, 0xFF)]
GREEK = [(0x391, 0x3A9), (0x3B1, 0x3C9), (0x3D1, 0x3D1), (0x3D5, 0x3D6), (0x3F1, 0x3F1), (0x3F5, 0x3F5)]
SIGNS = [
    (0x2013, 0x2014), (0x2018, 0x2019), (0x2026, 0x2026), (0x2032, 0x2032), (0x2061, 0x2063), (0x2202, 0x2202),
    (0x210E, 0x210E), (0x2190, 0x2193), (0x2208, 0x2208), (0x220F, 0x220F), (0x2211, 0x2212), (0x221A, 0x221A),
    (0x221E, 0x221E), (0x2225, 0x2225), (0x2248, 0x2248), (0x2260, 0x2260), (0x2264, 0x2265), (0x22C5, 0x22C5),
    (0x22EE, 0x22EF), (0xD7, 0xD7),
]  # fmt: skip
ITALICS = [(0x1D434, 0x1D467), (0x1D6E2, 0x1D71B)]  # one italic letter: what browsers turn <mi>x</mi> into

FONTS = (
    ("tex-gyre-math/texgyretermes-math.otf", "termes-math-subset.woff2", [*LATIN, *GREEK, *SIGNS, *ITALICS], ["ssty"]),
    ("tex-gyre/texgyretermes-italic.otf", "termes-italic-subset.woff2", [*LATIN, *GREEK], ["kern"]),
)


def main() -> None:
    for source, target, ranges, features in FONTS:
        options = Options(flavor="woff2", layout_features=features, hinting=False, desubroutinize=False)
        options.drop_tables += ["DSIG", "FFTM"]
        font = load_font(str(SOURCES / source), options)
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=[code for first, last in ranges for code in range(first, last + 1)])
        subsetter.subset(font)
        TARGETS.mkdir(parents=True, exist_ok=True)
        save_font(font, str(TARGETS / target), options)
        print(f"{target}: {(TARGETS / target).stat().st_size} bytes")


if __name__ == "__main__":
    main()
