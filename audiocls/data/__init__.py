"""From a data source to decoded clips in train, validation and test parts."""
