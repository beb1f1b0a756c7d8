"""Folding the log: jobs as they were, versions and what changed between them."""
