"""Training from the page: sounds taught or given, processes that train one after the other, what is told of them."""
