"""Agreements: from the application for data to the deal about them, its clocks and its end."""
