"""What the live page refuses."""


class PageError(ValueError):
    """A round that the live page can't show; says why, and what to do instead."""
