"""What the tab that finds events in long recordings says."""

INTRODUCTION = (
    "Give a recording of minutes or hours, and see where in it the model hears what. "
    "Up to {hours:.0f} hours and {gigabytes:.1f} GB."
)
UPLOAD = "Recording"
PATH = "A recording on this machine"
PATH_INFO = "The path of an audio file, of any length; it stays where it is."
PATH_EXAMPLE = "recordings/night.wav"
PATH_BUTTON = "Take this file"
NOTHING_GIVEN = "No recording yet."
GIVEN = "**{name}**: {length}, {rate:g} kHz, {channels}."
LENGTH_UNKNOWN = "of unknown length"
CHANNELS = {1: "mono", 2: "stereo"}
MANY_CHANNELS = "{number} channels"

FITTED = "Thresholds as fitted in training"
THRESHOLD = "Threshold"
THRESHOLD_INFO = "The score from which a label counts as heard: higher finds fewer and surer events."
MORE_OPTIONS = "More options"
MIN_DURATION = "Shortest event (s)"
MERGE_GAP = "Join events closer than (s)"
WINDOW = "Window (s)"
HOP = "Step between windows (s)"
HOP_INFO = "Less than a window: windows overlap."
AUTOMATIC = "automatic"
NO_SECONDS = '{field}: "{written}" is no number of seconds; leave it empty to let the model choose'
CLASSES = "Labels to look for"
CLASSES_INFO = "None chosen: all of them."
DENOISE = "Reduce noise beforehand"
DENOISE_CHOICES = {
    "As the model does by itself": "model",
    "Steady noise": "stationary",
    "Changing noise": "nonstationary",
}

FIND = "Find events"
STOP = "Stop, and keep what was found"
STOPPING = "Stopping..."
WAITING = "Other recordings are being heard; {ahead} before yours. It begins by itself."
LISTENING = "Heard {heard} of {whole}, {events} so far{left}."
LISTENING_UNKNOWN = "Heard {heard}, {events} so far."
TIME_LEFT = ", about {left} left"
EVENTS = {0: "no event", 1: "1 event"}
MANY_EVENTS = "{number:,} events"
PROGRESS_LABEL = "How much of the recording has been heard"

DONE = "**{events}** in {length} of sound, heard in {took}."
STOPPED = "Stopped: **{events}** in the first {length}."
NOTE = "Of this recording is to be said: {note}."
NO_EVENT = (
    "No event was found. A lower threshold finds more; and a sound that the model never learnt is not found at all."
)
SILENT = "This recording is silent throughout: there is nothing to find in it."
CUT_AT_LIMIT = "it is longer than {hours:.0f} hours; what comes later was not heard"

COUNTS_HEAD = "| label | events | seconds |\n|:--|--:|--:|\n"
COUNTS_LINE = "1 recording, {length} of sound"
COUNTS_CORRECTED = "; {changed} changed, {added} added, {deleted} deleted by hand"

VIEW = "The recording and its events"
TABLE = "Events"
COLUMNS = ("No.", "Start", "End", "Label", "Score", "Correction")
FILTER_LABELS = "Show these labels"
FILTER_LABELS_INFO = "None chosen: all of them."
FILTER_SCORE = "Show scores from"
SHOWN = "{shown:,} of {all:,} events shown. Choose one, in the table or the picture, to hear or correct it."
CHOSEN = "Event {number}: {start} to {end}, **{label}**{correction}"
ONLY_BEST_MARKED = " The picture marks the {marks:,} with the highest scores."
NOT_CHOSEN = "No event is chosen."
LABEL = "Label"
LABEL_INFO = "Also one the model does not know."
START = "Start (s)"
END = "End (s)"
CHANGE = "Change this event"
DELETE = "No event: delete"
RESTORE = "As it was found"
ADD = "Add as a missed event"

DOWNLOAD = "Download {form}"
ONLY_SHOWN = "Only the events shown"
DOWNLOAD_NAMES = {"csv": "CSV", "audacity": "Audacity labels", "raven": "Raven selections"}
DELETED = "deleted"
ADDED = "added"
WAS_LABEL = "label was {label} ({score:.2f})"
WAS_TIME = "was {start:.3f} to {end:.3f} s"

NO_FILE = "There is no recording yet: give one first."
GONE = "This recording is not here any more; give it again."
NO_SUCH_EVENT = "This event is not in the table any more."
NOT_HERE = "Only who sits at the machine of the app can name its files."
NO_SUCH_FILE = "{path!r} is no file on this machine."
TOO_LONG = "This recording lasts {hours:.1f} hours; the limit is {limit:.0f}. The command line takes any length."
TOO_LARGE = "This recording has {size:.0f} MB; the limit is {limit:.0f} MB."
TOO_MANY = "Too many recordings are waiting; try again in some minutes."
TOO_MANY_EVENTS = "No more than {limit:,} events can be kept of a recording."
BAD_TIMES = "An event starts at 0 s or later and ends after it starts{within}."
WITHIN = ", by the end of the recording at {seconds:.2f} s"
BAD_LABEL = "An event needs a label of 1 to {limit} characters."
BROKEN = "something went wrong that should not; the log of the app says more. The app goes on."
