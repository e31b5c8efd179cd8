"""A corpus of recordings: files in; tables, label files, pictures and cut clips out."""
