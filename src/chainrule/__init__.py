"""chainrule: every number of backpropagation, for any network."""
