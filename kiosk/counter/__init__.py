"""What a counter does, in the words of the counter."""
