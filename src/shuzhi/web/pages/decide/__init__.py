"""The pages of decide (用)."""
