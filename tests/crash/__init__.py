"""Processes that are killed or stopped at any moment, on either side, and what must be true afterwards."""
