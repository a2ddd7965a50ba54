"""The demo: partners on loopback, played by real servers, with batches that look like real ones."""
