"""What would leave, whether it may, and the one way out."""
