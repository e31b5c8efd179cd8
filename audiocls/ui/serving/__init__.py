"""What stands between visitors and the page: who they are, accounts, limits of the queue, private folders."""
