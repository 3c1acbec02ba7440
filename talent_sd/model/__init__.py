"""Model files: read, described, checked."""
