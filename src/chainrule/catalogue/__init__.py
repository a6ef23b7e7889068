"""Layers, losses, optimizers and initialisers as rows, and what builds a program from rows and sizes."""
