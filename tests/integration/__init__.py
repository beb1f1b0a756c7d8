"""One part of the product on the real servers it uses."""
