"""How much a visitor may give, and how much of the machine the app takes: every limit of the app."""

import os

LARGEST_UPLOAD_BYTES = 2200 * 1000**2  # of any file; three hours at 48 kHz in stereo are 2074 MB
LARGEST_SOUND_BYTES = 100 * 1000**2  # of a sound to classify
LONGEST_SOUND_SECONDS = 600.0
CACHE_SECONDS = 3600  # what visitors upload is deleted after about an hour
SHOWN_LABELS = 8
LOADED_MODELS = 4  # held in memory at once

# Training from the page
LONGEST_LESSON_SECONDS = 180.0  # of one recording with examples of a sound
LONGEST_TAUGHT_SECONDS = 3600.0  # of all clips that a page recorded
MOST_TAUGHT_CLASSES = 30
MOST_TAUGHT_CLIPS = 600
LONGEST_CLASS_NAME = 60
LARGEST_TRAINING_ZIP_BYTES = 1000**3
LARGEST_TRAINING_BYTES = 4 * 1000**3  # of a zip, unpacked
MOST_TRAINING_FILES = 20_000  # of a zip
MOST_BUDGET_MINUTES = 60.0
MOST_BUDGET_MINUTES_OTHERS = 10.0  # of visitors from elsewhere
LONGEST_TRAINING_SECONDS_OTHERS = 1800.0  # then it is ended
MOST_WAITING_TRAININGS = 8
TRAINING_THREADS = 1  # that compute; classification keeps the rest of the machine
LONGEST_RECORDING_SECONDS = 4 * 3600.0  # of a recording from elsewhere; files of this machine may be longer
RECORDINGS_AT_ONCE = max(1, (os.cpu_count() or 1) // 2)  # heard at a time, a core each; half of them are for the rest
RECORDINGS_WAITING = 16  # more are asked to come back later
MOST_CORRECTED_EVENTS = 20_000  # of a recording, with those that were added
LONGEST_HEARD_SECONDS = 60.0  # of a sound that stands in the page, and of a part that is heard of a longer one
MOST_MARKS = 1500  # over the picture of a sound
LARGEST_MODEL_PAPER_BYTES = 40 * 1000**2  # of a table, card, picture or page of mistakes beside a model
LARGEST_MATRIX = 50  # labels; of more, the most frequent mistakes are listed
SHOWN_CONFUSIONS = 50
SHOWN_CLIPS = 50  # of a cell of the matrix
SHOWN_CLIP_SCORES = 3
SHOWN_MODEL_LABELS = 60

# Many files at once
MOST_BATCH_FILES = 2000
LARGEST_BATCH_BYTES = 4 * 1000**3  # of a zip, unpacked
LONGEST_BATCH_SECONDS_OTHERS = 2 * 3600.0  # of all sounds that a visitor from elsewhere gives at once
LARGEST_SENT_ALONG_BYTES = 8 * 1000**2  # of a file in base64, inside a request
BATCHES_AT_ONCE = 1
TASKS_AT_ONCE = 2  # of programs: batches, explanations, searches for events; more wait

# Serving
MODELS_AT_ONCE = 2  # batches that are computed at the same time; each has its part of the processor
HEARD_TOGETHER = 8  # sounds in a batch
HEARD_TOGETHER_SECONDS = 60.0  # of sound in a batch; a longer sound is heard alone
EVENTS_AT_ONCE = 24  # of one kind; what takes long has a limit of its own
EVENTS_WAITING = 200  # then the app says that it is busy
THREADS = 64  # of events that run at the same time, of all kinds
UPLOADS_AT_ONCE = 64
LARGEST_REQUEST_BYTES = 24 * 1000**2  # of anything that is no uploaded file
LEAST_FREE_BYTES = 500 * 1000**2  # of the disk that uploads go to
LONGEST_UPLOAD_SILENCE_SECONDS = 60.0  # then the connection counts as lost

# Classifying and saying what is right
EXPLANATIONS_AT_ONCE = 1  # they take their time; answers go first
MOST_RIGHT_LABELS = 20  # of one sound
MOST_CORRECTIONS_OTHERS = 2000  # kept of a model, from visitors elsewhere
SESSIONS_KEPT = 2000  # pages whose state is kept; the one that was not used for longest goes first
WORKSPACE_SECONDS = 6 * 3600.0  # a visitor's folder that nobody asked for is deleted; longer than a training

# Listening to the microphone
LISTENERS_AT_ONCE = 4  # each asks a model twice a second while something sounds; more are told to wait
LONGEST_LISTENING_SECONDS = 600.0
LISTENING_STEP_SECONDS = 0.3  # of sound that the browser sends at a time
LOST_AFTER_SECONDS = 15.0  # a listener of whom nothing comes is gone
LONGEST_PIECE_SECONDS = 5.0  # of sound sent at a time, where the app was slow to answer
