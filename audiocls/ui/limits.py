"""How much a visitor may give, and how much of the machine the app takes: every limit of the app."""

LARGEST_UPLOAD_BYTES = 2 * 1000**3  # of any file; a recording of three hours at 48 kHz in stereo
LARGEST_SOUND_BYTES = 100 * 1000**2  # of a sound to classify
LONGEST_SOUND_SECONDS = 600.0
CACHE_SECONDS = 3600  # what visitors upload is deleted after about an hour
SHOWN_LABELS = 8
LOADED_MODELS = 4  # held in memory at once
