"""Make the font that the HTML pages carry: the mathematical signs, letters and digits of TeX Gyre Termes Math.

Needs fonttools with brotli (pip install "fonttools[woff]") and the font (Debian: fonts-texgyre-math):

    python scripts/make_font.py /usr/share/texmf/fonts/opentype/public/tex-gyre-math/texgyretermes-math.otf
"""

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

TARGET = Path(__file__).parent.parent / "src/chainrule/render/fonts/termes-math-subset.woff2"
RANGES = (
    (0x20, 0x7E), (0xA0, 0xFF), (0x391, 0x3C9), (0x2010, 0x2026), (0x2032, 0x2033), (0x2061, 0x2064),
    (0x2070, 0x208E), (0x2190, 0x2193), (0x2200, 0x221E), (0x2227, 0x222B), (0x2248, 0x2265), (0x22C5, 0x22EF),
    (0x2308, 0x230B), (0x239B, 0x23AE), (0x1D434, 0x1D467), (0x1D6A4, 0x1D6E1), (0x1D6E2, 0x1D71B),
)  # fmt: skip


def main(source: str) -> None:
    options = Options()
    options.flavor = "woff2"
    options.layout_features = ["*"]
    options.name_IDs = ["*"]
    options.drop_tables += ["DSIG"]
    font = load_font(source, options)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    subsetter.subset(font)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    save_font(font, str(TARGET), options)
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
