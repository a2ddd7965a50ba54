"""SFTP against a real OpenSSH server."""
