"""The pages of share (通)."""
