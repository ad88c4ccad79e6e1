"""Reports on what people say of answers."""
