"""The watches that find, and where it is safe repair, what silently does not fire."""
