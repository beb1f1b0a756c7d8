"""Tests of how secrets are encrypted, and of the keys."""
