"""What every page stands on: the site, forms that are sent, reading of what was asked, errors."""
