"""The live page: a network's formulas and numbers as data, and the page's own JavaScript that evaluates them."""
