"""Commands, events and bodies, both ways through the codec."""
