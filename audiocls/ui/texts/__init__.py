"""Every English sentence that the app shows: here what several tabs say, and a module for each tab."""

TITLE = "audiocls"
INTRODUCTION = "**{name}** tells {number} kinds of sound apart."
SCORES_UNKNOWN = "No test scores come with this model."
SCORES = "Test score: **{accuracy:.1%} accuracy**{interval} on {size} clips ({split} split)."
INTERVAL = " ({level:.0%} interval {low:.1%} to {high:.1%})"

MODEL_PICKER = "Model"
MODEL_PICKER_INFO = "A run of this machine, a folder, or a name on the Hub such as me/my-sounds."
MODEL_PICKER_INFO_OTHERS = "Choose among the models of this app."
MODEL_NOT_OFFERED = "{name!r} is not among the models of this app; choose one of the list"
NOT_OPENED = "{reason}. The model before, {kept}, is still open."
MODEL_BROKEN = "{name!r} cannot be loaded; the log of the app says more"
TABS = {
    "classify": "Classify",
    "live": "Live",
    "recording": "Long recording",
    "batch": "Batch",
    "train": "Train",
    "model": "Model",
    "publish": "Publish",
}

AUDIO_LABEL = "Sound"
CLASSIFY = "Classify"
EXAMPLES = "Examples"
ANSWER_LABEL = "What the model hears"
ANSWER_LABEL_MULTI = "What the model hears (maybe several)"
CARD_UNKNOWN = "This model has no card."
CARD_LINK = "[The model card]({url}) says how it was trained and tested, and what it cannot do."
KNOWS = "It knows {labels}."
AND_MORE = " and {number} more"
NAMES_THE_CLOSEST = "It cannot tell that a sound is none of these: it always names the closest."
HEARS = "It hears at most {seconds:.3g} s at a time; over a longer sound the scores are averaged."

WORDS = {"more": "Add files"}  # for page.js

NONE_OF_THESE = (
    "## None of these\n\nThis does not sound like anything the model learnt; closest is {closest}, with {score:.0%}."
)
SILENT = "## None of these\n\nThis recording is silent. Is the right microphone chosen, and is it switched on?"
NOTHING_YET = "There is no sound yet: record one or drop a file."
UNREADABLE = "This file cannot be read as sound: {reason}."
TOO_LONG = (
    "This sound lasts {minutes:.0f} minutes; the limit is {limit:.0f}. The command line takes recordings of any length."
)
TOO_LARGE = "This file has {size:.0f} MB; the limit is {limit:.0f} MB."

API_DESCRIPTION = (
    "Classify one sound. Give an audio file (any format that plays, up to {minutes:.0f} minutes and {megabytes:.0f} "
    "MB); the answer is a list of {{label, score}} for every label the model knows, best first."
)
