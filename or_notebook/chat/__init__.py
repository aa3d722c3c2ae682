"""The state of one answer and of a conversation, whatever carried it and whatever shows it."""
