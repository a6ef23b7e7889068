"""Lets the tests of the renderers import the document that they share: ``from render.sample import SAMPLE``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
