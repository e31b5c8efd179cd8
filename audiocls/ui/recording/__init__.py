"""The Long recording tab: events found, heard, corrected, downloaded."""
