"""Whether a network fits into this machine's memory."""

import os
from collections.abc import Mapping
from functools import cache
from math import prod

from chainrule.catalogue.row import CatalogueError

COPIES = 8  # of the parameters: gradients, updates, an optimizer's state, and room to calculate


@cache
def physical_memory() -> int:
    """Bytes of memory of this machine."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 2**30


def check_size(shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a network that would not fit into half of the memory, before taking any. Raises ``CatalogueError``."""
    count = sum(prod(shape) for shape in shapes.values())
    needed = count * 8 * COPIES
    if needed > physical_memory() // 2:
        largest = max(shapes, key=lambda name: prod(shapes[name]))
        size = " x ".join(map(str, shapes[largest]))
        raise CatalogueError(
            f"this network has {count:,} parameters (the most in {largest}: {size}) and would need about "
            f"{needed / 2**30:,.0f} GB; this machine has {physical_memory() / 2**30:,.0f} GB. Make a layer smaller"
        )
