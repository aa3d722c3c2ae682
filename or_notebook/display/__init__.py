"""What a person sees of an answer: the live widget, the terminal, the saved output."""
