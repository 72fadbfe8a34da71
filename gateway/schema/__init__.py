"""The GraphQL types, one file per type, with their root fields."""
