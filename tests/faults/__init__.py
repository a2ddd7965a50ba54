"""Faults on the way and at the peer: a proxy that cuts, servers that lie, a matrix that runs Wharf through them."""
