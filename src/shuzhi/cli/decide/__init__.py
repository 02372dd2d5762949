"""The commands of decide (用)."""
