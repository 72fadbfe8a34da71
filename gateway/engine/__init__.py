"""GraphQL and no HTTP: documents, validation, limits, execution."""
