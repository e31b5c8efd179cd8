"""What programs are told: descriptions of the endpoints, and why one says no."""

from audiocls.ui.texts import API_DESCRIPTION

CLASSIFY = API_DESCRIPTION
ANSWER = (
    "Say what one sound is, or that it is none of the labels that the model knows. Gives {{answer, closest, reason, "
    "known_score, predictions}}: answer is a label, or null for none of these; reason is then 'silent', 'unlike' or "
    "'unsure', and closest the likeliest label. Takes up to {minutes:.0f} minutes and {megabytes:.0f} MB."
)
EXPLAIN = (
    "Find the parts of one sound that decided for a label, by taking each part out in turn (occlusion). Gives the "
    "label, its score, the score with nothing but the parts and the score without them, and the parts: start and end "
    "in seconds, low_hz and high_hz where a range of frequencies decided, and weight in log-odds, strongest first."
)
DETECT = (
    "Find the events in a recording, which may be long (up to {hours:.3g} hours): a list of {{start_seconds, "
    "end_seconds, label, peak_score, mean_score}} in order of time, the same as `audiocls detect` gives. Where a "
    "recording turned out to be longer than the limit, a last row with note alone says that the rest was not heard."
)
CLASSIFY_FILES = (
    "Classify many sounds, or those in a zip (up to {files} files): for each a row with file, answer and predictions, "
    "or with file and error where it cannot be read."
)
MODELS = "The names of the models that can be given as `model`; the first is the one used when none is given."
DESCRIBE = (
    "What a model is: labels, sampling rate in Hz, seconds it hears at a time, test scores with their split, size and "
    "interval, licence, and the limits of this app."
)

NO_FILE = "Give a file as {{'path': ..., 'meta': {{'_type': 'gradio.FileData'}}}}; this is {what}."
FILE = "A file: uploaded to /gradio_api/upload, or a small one as a data: address in base64."
BAD_DATA = "This data: address holds no file in base64."
TOO_LARGE_SENT_ALONG = (
    "A file in a data: address may have {limit:.3g} MB: send this one to /gradio_api/upload, and give the path or the "
    "address that it has then."
)
NO_LIST = "Give a list of files; this is {what}."
NO_FILES = "There is no file in the list: give at least one."
TOO_MANY = "{number} files are too many at once; the limit is {limit}."
NOT_UPLOADED = "This file was not uploaded to the app, or is no longer here: send it to /gradio_api/upload first."
FROM_ELSEWHERE = (
    "The app fetches nothing from other addresses: send the file itself to /gradio_api/upload, and give the path or "
    "the address that it has then."
)
TOO_FEW = "This needs {wanted} arguments and got {given}."
NO_TEXT = "{name} must be text; this is {what}."
NO_NUMBER = "{name} must be a number or nothing; this is {what}."
TOO_LONG = "This recording lasts {hours:.1f} hours; the limit is {limit:.3g}."
STOPPED = "The app stopped before the last file: {told}"
