"""A person's own numbers against the program's: what is right, what is first wrong, and the mistake behind it."""
