"""What providers report, in their words and in ours."""
