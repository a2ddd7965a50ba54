"""Real servers for the tests, from Debian packages, on loopback and free ports, without touching the system's own."""
