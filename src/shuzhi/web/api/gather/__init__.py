"""The resources of gather (聚)."""
