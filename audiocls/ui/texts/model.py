"""What the Model tab says."""

FACTS = "About this model"
FACT_NAMES = {
    "name": "Name",
    "kind": "Kind",
    "labels": "Labels",
    "answer": "Answers with",
    "licence": "Licence",
    "weights": "Weights",
    "rate": "Hears",
    "window": "At a time",
    "trained_on": "Trained on",
    "made": "Weights written",
    "device": "Trained with",
}
ONE_ANSWER = "one label a sound"
SEVERAL_ANSWERS = "several labels a sound, or none"
NONE_TOO = "one label a sound, or none of these"
WEIGHTS = "{size} ({parameters} parameters)"
RATE = "mono at {rate:,} Hz, up to {nyquist:,.0f} Hz"
WINDOW = "{seconds:.3g} s"
WINDOW_TRAINED = "{seconds:.3g} s; it learnt from {trained:.3g} s"
DEVICE = "audiocls {version} on {device}"
DATA = "{name}: {clips}"
PARTS = "{number:,} clips for {part}"
UNKNOWN_LICENCE = "not chosen"
BASE = "{kind}, on {base}"
ENSEMBLE = "{number} models together"

MISSING = "Not with this model: {files}."
MISSING_FILES = {
    "README.md": "its card (README.md)",
    "metrics.json": "its test scores (metrics.json)",
    "training_config.json": "how it was trained (training_config.json)",
    "predictions.csv": "its answers clip by clip (predictions.csv)",
    "confusion_matrix": "its confusion matrix",
    "reliability.png": "a reliability diagram (reliability.png)",
    "curves.png": "training curves (curves.png)",
}
BROKEN_SCORES = "metrics.json is there, but does not hold the scores that audiocls writes."

SCORES = "### Scores on the {split} split"
SCORES_ON = "On {size}. {note}"
OVERALL_HEAD = "| score | value | interval |\n|---|---|---|"
CLASSES = "### Label by label"
CLASSES_HEAD = "| label | {titles} | clips |\n|---|{columns}---|"

MATRIX = "What is taken for what"
MATRIX_LABEL = "Confusion matrix"
MATRIX_HINT = (
    "Rows are what the {split} clips are, columns what the model said. Choose a number to see and hear its clips; "
    "arrow keys go from number to number."
)
MATRIX_HINT_PLAIN = "Rows are what the {split} clips are, columns what the model said."
MATRIX_HINT_LABELS = "How often each label was found, missed and given wrongly among the {split} clips."
MATRIX_COLUMNS = {
    "found": "found", "missed": "missed", "alarm": "given wrongly", "absent": "rightly not given"
}  # fmt: skip
MATRIX_CELL = "{number} of {total} {true} called {given}"
MATRIX_CELL_LABELS = "{label} {column}: {number} of {total}"
MATRIX_TRUE = "is"
MATRIX_GIVEN = "called"
CONFUSIONS = "The matrix of {number} labels is too large for a page; these are its most frequent mistakes."
CONFUSION_COLUMNS = ("is", "called", "clips")

CLIPS_MORE = "Shown are the {shown} of which the model was surest."
CLIPS_CHOOSE = "Choose a number in the matrix to see its clips."
CLIP_PLAY = "Play {file}"
CLIP_SILENT = "not here to be heard"
CLIPS_UNHEARD = "The sounds of the test are not with this model."
CLIPS_UNHEARD_LOCAL = "The sounds of the test are not where they are looked for; name their folder below."
SOUND = "The clip"
DATA_FOLDER = "Folder of the sounds it was tested on"
DATA_FOLDER_INFO = "On this machine, as it was named for the training; only who sits here can hear it."
CLIP_GONE = "{file} is not there to be heard"
CLIP_WRONG = "this clip is not among those of the model"

PICTURES = {
    "reliability.png": "How sure the model was of its answers to the test clips, and how often it was right",
    "curves.png": "Loss and scores during the training",
    "leaderboard.png": "The kinds of model that were compared, with their scores",
    "precision_recall.png": "Precision and recall of the events found in recordings",
    "confusion_matrix.png": "Confusion matrix",
}
PICTURE_TITLES = {
    "reliability.png": "Can its scores be trusted?",
    "curves.png": "Training",
    "leaderboard.png": "What it was compared with",
    "precision_recall.png": "Events",
    "confusion_matrix.png": "Confusion matrix",
}
ERRORS_PAGE = "The page of its mistakes (errors.html)"
CARD = "The model card"
