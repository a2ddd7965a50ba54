"""Durable state: the interface in `base`, the embedded backend in `sqlite`."""
