"""Field machinery: one class per kind of field."""
