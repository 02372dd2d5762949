"""How the parties of a city are scored: for cases they had to close, and for data they owe."""
