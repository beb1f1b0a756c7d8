"""The model behind docs/scaling.md."""
