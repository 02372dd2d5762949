"""Accounts of others, one's own account, and the keys of one's programs."""
