"""What a formula is: its nodes, its text, the functions in it, their slopes. Standard library only."""
