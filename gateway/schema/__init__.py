"""The graph: one file per type, with the queries that start at it."""
