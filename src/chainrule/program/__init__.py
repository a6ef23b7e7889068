"""Families, lists of formulas, and the chain rule: from a program to the program of its derivatives."""
