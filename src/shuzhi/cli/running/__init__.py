"""The commands that keep a city running."""
