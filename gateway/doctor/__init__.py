"""What an operator asks before the first client does: is everything there, and what may this user do."""
