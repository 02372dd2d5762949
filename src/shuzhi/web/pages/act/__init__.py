"""The pages of act (治), and those of citizens and companies."""
