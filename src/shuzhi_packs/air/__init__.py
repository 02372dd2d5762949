"""air: hourly air quality of a city, from the station's value to the case that somebody closes."""
