"""The circulation desk: check-out, check-in, renewal, writes on loans, slips."""
