"""What a running city does by itself: its jobs, its processes, and how far each came."""
