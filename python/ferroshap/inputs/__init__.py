"""Stage 4: the rows of the user's table as the numbers that the model compares."""
