"""What agents propose, and what a person decides."""
