"""What the desk does: one act per file. Each is sent upstream once and never again by itself."""
