"""hotline: what citizens report and patrols find, from the call to the case that is closed."""
