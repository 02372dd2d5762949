"""The commands of share (通)."""
