"""HTTP and only HTTP: requests in, responses out."""
