"""The HTTP client of the upstream services. No package above it uses HTTP for upstream calls."""
