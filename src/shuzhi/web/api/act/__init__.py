"""The resources of act (治)."""
