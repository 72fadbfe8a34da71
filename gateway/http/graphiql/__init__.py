"""GraphiQL: the page, its bundle and the build of the bundle."""
