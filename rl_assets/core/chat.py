"""One message of a conversation: `role` and `content`, as chat templates and endpoints take it."""

Message = dict[str, str]
