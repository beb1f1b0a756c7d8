"""The whole product, used as a stranger uses it."""
