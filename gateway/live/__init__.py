"""Changes of records while they happen: what signals them, and the streams of those who watch."""
