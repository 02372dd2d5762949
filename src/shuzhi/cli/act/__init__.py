"""The commands of act (治)."""
