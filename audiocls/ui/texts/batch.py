"""What the tab that classifies many files says."""

ABOUT = "Drop many sounds, or a zip of them. Folders inside a zip are searched, too."
FILES = "Sounds, or a zip"
FOLDER = "Or a folder on this machine"
FOLDER_INFO = "Searched throughout; nothing in it is changed."
START = "Classify all"
STOP = "Stop"
STOPPING = "Stopping..."
TABLE = "Results"
HEADERS = ["File", "Answer", "Score", "Next", "Why not read"]
DOWNLOAD = "Download CSV"
FILE_NAME = "predictions.csv"

NOTHING_YET = "There are no files yet: drop some, or a zip of them."
NO_FOLDER_HERE = (
    "Folders of this machine can only be read by who opens the page on the machine itself, "
    "while nobody else can reach it."
)
BOTH = "There are files and a folder; take one of them away."
NO_SOUNDS = "{name}: there is no sound in it, going by the names of the files"
TOO_MANY = "{number} files are too many for this page, which takes {limit}. The command line takes any number."
NO_PAGE = "This can only be asked from the page; programs have the endpoint classify_files."
ALREADY_RUNNING = "This page is still at the files before; stop them first."
CANNOT_UNPACK = "{name}: cannot be unpacked: {reason}"

PROGRESS = "{done} of {number} files"
READING = "{done} of {number} files ({read} read)"
STOPPED = "Stopped after {done} of {number} files."
TOO_LONG = "Stopped after {done} of {number} files: they last longer than {hours:.3g} hours, the limit of this page."
BROKEN = "Stopped after {done} of {number} files: something went wrong that should not; the log of the app says more."
DONE = "Done: {number} files."
NOT_READ = "not read"
SUMMARY = "Answers by label"
