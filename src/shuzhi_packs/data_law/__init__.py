"""Law on government data: the deadlines and limits that the platform counts by."""
