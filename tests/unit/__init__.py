"""Tests that touch nothing outside their process; the folders mirror the tree."""
