"""What the Classify tab says."""

VIEW = "The sound"
EXPLAINING = "Looking for the parts that decided..."
DECIDED = (
    "Highlighted: what spoke most for **{label}** (choose a part to hear it). Found by {method}: each part of the "
    "sound is replaced by {replaced}, and how far the score falls is its weight ([Zeiler & Fergus 2014]({url})). "
    "{label} has {score:.0%}; with nothing but these parts {kept:.0%}, without them {removed:.0%}."
)
REPLACED = {"background": "the background of the rest", "silence": "silence"}
NOTHING_DECIDED = (
    "No part matters more than the rest for **{label}**: taken away one by one ({method}, "
    "[Zeiler & Fergus 2014]({url})), none changes the score of {score:.0%} by much."
)
STRETCH = " Looked at from {start:.1f} s to {end:.1f} s, where its score is highest."
OCCLUSION_URL = "https://arxiv.org/abs/1311.2901"
NOT_EXPLAINED = "What decided could not be found this time; the answer stands. Classify again to try once more."

ASKED = "**Is this right?** The sound and your answer are kept on this machine, to train on."
ASKED_OTHERS = (
    "**Is this right?** Only if you press one of these buttons, the sound and your answer are kept by whoever runs "
    "this app, to train on."
)
RIGHT = "Right"
WRONG = "Wrong"
RIGHT_LABEL = "The right label is"
RIGHT_LABEL_INFO = "Choose one, or type a new one."
RIGHT_LABELS_INFO = "Choose one or several, or type new ones."
KEEP = "Keep this label"
UNDO = "Undo"
KEPT = "Kept as **{labels}**{again}: {count} in {folder}"
KEPT_AGAIN = " in place of the earlier answer"
SOUNDS = ("{number} sound", "{number} sounds")
FOLDER = "`{folder}`. With `audiocls train DATA --extra_folder {folder}` a model is trained on it, too."
FOLDER_OTHERS = "the collection."
UNDONE = "Taken back: {count} left."
NOT_ALLOWED = "This app keeps no sounds of visitors from elsewhere."
NOTHING_TO_KEEP = "There is no answer to say anything about; classify a sound first."
SOUND_GONE = "The sound is no longer here; record it or drop it once more."
CHOOSE_LABEL = "Choose the right label, or type it."
FULL = "The collection is full; nothing more is kept."
NOT_KEPT = "This could not be kept: {reason}."
EXAMPLE_GONE = "This example is no longer here."
