"""HTTP and only HTTP: the GraphQL endpoint, GraphiQL, health."""
