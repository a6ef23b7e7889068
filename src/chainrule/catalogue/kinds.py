"""All rows of layers by name."""

from chainrule.catalogue.attention import ATTENTIONS
from chainrule.catalogue.convolution import CONVOLUTIONS
from chainrule.catalogue.layer_row import LayerRow
from chainrule.catalogue.normalisation import NORMALISATIONS
from chainrule.catalogue.recurrence import RECURRENCES
from chainrule.catalogue.row import find_row
from chainrule.catalogue.shaping import SHAPING

LAYER_ROWS: tuple[LayerRow, ...] = (*CONVOLUTIONS, *SHAPING, *NORMALISATIONS, *RECURRENCES, *ATTENTIONS)


def find_kind(name: str) -> LayerRow:
    """The kind of layer of that name or alias. Raises ``CatalogueError`` with the nearest name.

    >>> find_kind("conv2d").name
    'convolution_2d'
    """
    return find_row(LAYER_ROWS, name, "kind of layer")
