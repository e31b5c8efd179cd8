"""What the Publish tab says."""

PUBLISH_ABOUT = (
    "The model **{name}** is checked, uploaded in one commit, and then proved: a fresh process loads it back from the "
    "Hub and must give the same scores. Publishing again uploads only what has changed."
)
PUBLISH_NOT_HERE = "This model is itself from the Hub. A model that was trained here can be published on this page."
PUBLISH_NO_FOLDER = "This model was never saved, so there is nothing to publish."
PUBLISH_NOT_YOU = (
    "Here only who opens the page on the machine itself publishes, while nobody else can reach it. Whoever runs the "
    "app lets others publish, with tokens of their own, by starting it with `--publish`."
)
PUBLISH_OPEN = "Open {name} from the Hub in this app"
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
