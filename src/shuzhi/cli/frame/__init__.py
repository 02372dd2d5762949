"""What every command stands on: options, the opened city, and how it prints."""
