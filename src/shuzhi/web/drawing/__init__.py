"""Diagrams as SVG, drawn on the server: no script is needed to see them, and none can be put in."""
