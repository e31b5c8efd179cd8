"""Every English sentence that the app shows, in one place."""

TITLE = "audiocls"
INTRODUCTION = "Record a sound or drop a file, and see what the model **{name}** hears."
SCORES_UNKNOWN = "No test scores come with this model."
SCORES = "Test score: **{accuracy:.1%} accuracy**{interval} on {size} clips ({split} split)."
INTERVAL = " ({level:.0%} interval {low:.1%} to {high:.1%})"

AUDIO_LABEL = "Sound"
CLASSIFY = "Classify"
EXAMPLES = "Examples"
ANSWER_LABEL = "What the model hears"
ANSWER_LABEL_MULTI = "What the model hears (maybe several)"
PICTURE_LABEL = "Waveform and log-mel spectrogram"
ABOUT = "About this model"
CARD_UNKNOWN = "This model has no card."
CARD_LINK = "[The model card]({url}) says how it was trained and tested, and what it cannot do."
KNOWS = "It knows {labels}."
AND_MORE = " and {number} more"
NAMES_THE_CLOSEST = "It cannot tell that a sound is none of these: it always names the closest."
HEARS = "It hears at most {seconds:.3g} s at a time; over a longer sound the scores are averaged."

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

PUBLISH = "Publish on the Hub"
PUBLISH_ABOUT = (
    "The model is checked, uploaded in one commit, and then proved: a fresh process loads it back from the Hub and "
    "must give the same scores. Publishing again uploads only what has changed."
)
PUBLISH_NOT_HERE = "This model is itself from the Hub. A model that was trained here can be published on this page."
PUBLISH_NAME = "Name on the Hub"
PUBLISH_NAME_INFO = "User or organisation and name, or a name alone for your own."
PUBLISH_LICENCE = "Licence of the model"
PUBLISH_LICENCE_INFO = "What others may do with it. Any name that the Hub knows can be written here."
LICENCES = {
    "As the model's card says": "",
    "apache-2.0 (any use, with notice)": "apache-2.0",
    "mit (any use, with notice)": "mit",
    "bsd-3-clause (any use, with notice)": "bsd-3-clause",
    "cc0-1.0 (no conditions)": "cc0-1.0",
    "cc-by-4.0 (name the author)": "cc-by-4.0",
    "cc-by-sa-4.0 (name the author, share alike)": "cc-by-sa-4.0",
    "cc-by-nc-4.0 (name the author, no commerce)": "cc-by-nc-4.0",
    "openrail (any use that harms nobody)": "openrail",
    "gpl-3.0 (share the source)": "gpl-3.0",
    "other (the card tells)": "other",
}
PUBLISH_PRIVATE = "Private: seen by its owner only"
PUBLISH_SPACE = "Also a Space: an app that serves the model"
PUBLISH_EXAMPLES = "With some test clips, to try it on the Hub"
PUBLISH_DATA = "Labelled sounds to publish, too"
PUBLISH_DATA_INFO = "A folder or zip on this machine, published as a data set of the same name; empty for none."
PUBLISH_TOKEN = "Token of the Hub"
PUBLISH_TOKEN_INFO = (
    "With the right to write, from huggingface.co/settings/tokens. Used for this once, and kept nowhere."
)
PUBLISH_TOKEN_OR_OWN = " Empty: this machine's own login."
PUBLISH_BUTTON = "Publish"
PUBLISH_STOP = "Stop after this step"
PUBLISH_STOPPING = "Stopping after this step..."
PUBLISH_LINES = "Progress"
PUBLISH_BEGINS = "Checking the model..."
PUBLISH_WAITS = "another publication is still going on; this one begins when it is done"

LOGGED_IN = "This machine is logged in to the Hub as **{user}**."
LOGGED_IN_UNKNOWN = "This machine's login cannot be used now: {reason}"
NOT_LOGGED_IN = (
    "This machine is not logged in to the Hub: give a token below, or run `hf auth login` and reload the page."
)
NO_TOKEN_HERE = (
    "a token is needed: this machine's own login is only for who opens the page on the machine itself, "
    "while nobody else can reach it"
)
NO_TOKEN = "a token is needed: give one, or run `hf auth login` on this machine"
NO_TOKEN_SIGN_IN = "sign in first"
BAD_TOKEN = "this is no token of the Hub: one has letters, digits and _ only, such as hf_..."
NO_DATA_HERE = (
    "files of this machine can only be published by who opens the page on the machine itself, "
    "while nobody else can reach it"
)

PUBLISHED = "### Published\n\n[{repo_id}]({url}) is on the Hub{private}."
PUBLISHED_PRIVATE = ", seen by its owner only"
PROVED = (
    "**Proved**: loaded back in a fresh process, it gave the same scores on {clips} sounds "
    "(largest difference {difference:.0e}, {seconds:.0f} s)."
)
PUBLISHED_SPACE = "The Space: [{name}]({url})."
PUBLISHED_DATA = "The data set: [{name}]({url})."
NOT_PUBLISHED = "### This did not work\n\n{problem}"
PUBLISH_STOPPED = "Stopped. What was uploaded before stays on the Hub, whole; publish again to go on from there."
PUBLISH_BROKEN = "something went wrong that should not; the log of the app says more. The app goes on."

NO_RUN = "there is no trained model in {runs}; train one with `audiocls train DATA`, or name one with --model"
PORT_BUSY = "port {port} of {host} is in use; choose another with --port"
CANNOT_LISTEN = "the app cannot listen on port {port} of {host}: {reason}"
OPEN_AT = "Open {url} in a browser (Ctrl-C ends the app)"
SHARED_AT = "Anyone with this address can use it while the app runs: {url}"
