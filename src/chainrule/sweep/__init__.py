"""Trying many networks: what is varied, how the runs are chosen and trained, and where their results are kept."""
