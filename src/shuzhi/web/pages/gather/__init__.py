"""The pages of gather (聚)."""
