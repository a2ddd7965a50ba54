"""Secrets that cannot be mistaken for anything else are planted and every path is driven; then all that was written and
shown is searched for them."""
