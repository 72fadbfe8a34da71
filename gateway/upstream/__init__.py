"""How the services are asked; nothing above this package knows HTTP."""
