"""Apps: jobs that are deployed."""
