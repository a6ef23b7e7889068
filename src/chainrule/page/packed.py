"""Data for JSON with every part that repeats written once: formulas of many activations are much alike."""

import json
from collections import Counter
from typing import Any

SHORTEST = 24  # characters: what is shorter is written again


def packed(data: Any) -> list[Any]:
    """Parts of which the last one is the whole. In a part, ``{"$": 3}`` stands for part 3, counted from 0.

    >>> packed([{"a": "a long text that stands twice"}, {"a": "a long text that stands twice"}])
    [{'a': 'a long text that stands twice'}, [{'$': 0}, {'$': 0}]]
    """
    found: Counter[str] = Counter()
    places: dict[str, int] = {}
    parts: list[Any] = []

    def count(value: Any) -> None:
        if isinstance(value, dict | list):
            text = _text(value)
            found[text] += 1
            if found[text] == 1:
                for each in value.values() if isinstance(value, dict) else value:
                    count(each)

    def put(value: Any) -> Any:
        if not isinstance(value, dict | list):
            return value
        text = _text(value)
        if text not in places:
            own = {key: put(each) for key, each in value.items()} if isinstance(value, dict) else list(map(put, value))
            if found[text] < 2 or len(text) < SHORTEST:
                return own
            places[text] = len(parts)
            parts.append(own)
        return {"$": places[text]}

    count(data)
    whole = put(data)
    return [*parts, whole]


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
