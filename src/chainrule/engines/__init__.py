"""From a program to fast array code."""
