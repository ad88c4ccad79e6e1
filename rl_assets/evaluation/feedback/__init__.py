"""What people say of answers, by who answered: counts, ratings, agreement, and the order in which pairs were shown."""
