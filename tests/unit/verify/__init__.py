"""The proof of the ledger, computed without anything that runs."""
