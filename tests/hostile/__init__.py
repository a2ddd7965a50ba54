"""Servers, mails and names that mean harm."""
