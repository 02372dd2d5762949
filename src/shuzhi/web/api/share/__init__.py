"""The resources of share (通)."""
