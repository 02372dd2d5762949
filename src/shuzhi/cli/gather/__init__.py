"""The commands of gather (聚)."""
