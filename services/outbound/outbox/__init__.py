"""Mail that waits, leaves, has left, or may have left."""
