"""Benchmarks: what is measured and printed, not asserted. `python -m tests.bench` lists them."""
