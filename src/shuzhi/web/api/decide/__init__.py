"""The resources of decide (用)."""
