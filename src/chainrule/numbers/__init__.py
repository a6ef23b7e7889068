"""The values: the ledger, and the slow, obvious definition of what every node means."""
