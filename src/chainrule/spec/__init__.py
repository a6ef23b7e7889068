"""Network files: reading them with every problem named by its line, writing them, and the shipped examples."""
