"""From a program and its values to a document: what a worked example says, and in which order."""
