"""The live page as a notebook's widget."""

from functools import cache
from typing import Any

from chainrule.numbers.arithmetic import MissingLibraryError
from chainrule.page.html import style_text
from chainrule.page.modules import joined
from chainrule.page.program_json import Live, live_data


def widget(live: Live) -> Any:
    """The page as an anywidget. Raises ``MissingLibraryError`` where that isn't installed."""
    return _widget_class()(network=live_data(live))


@cache
def _widget_class() -> Any:
    """The class is made when it is asked for: importing anywidget takes as long as all the rest."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise MissingLibraryError('the widget needs: pip install "chainrule[notebook]"') from None

    class NetworkWidget(anywidget.AnyWidget):
        """The live page of a network."""

        _esm = joined("widget")
        _css = style_text()
        network = traitlets.Dict().tag(sync=True)

    return NetworkWidget
