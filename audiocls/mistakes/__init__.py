"""What a model gets wrong: the page of mistakes, who fails, and which labels are likely wrong."""
