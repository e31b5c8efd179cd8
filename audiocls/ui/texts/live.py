"""What the tab that hears the microphone as it comes says; WORDS by the names that its script knows."""

MICROPHONE = "Microphone"
ABOUT = (
    "Start the microphone and see what the model hears while it sounds. Listening ends after {minutes:.0f} minutes; "
    "nothing of it is kept."
)
VIEW = "The last minute"
WORDS = {
    "start": "Start listening",
    "stop": "Stop",
    "unplugged": "The microphone is gone. Plug it in, then start again.",
    "idle": "Not listening",
    "starting": "Listening...",
    "quiet": "Quiet",
    "none": "None of these",
    "closest": "closest: {label} {score}%",
    "sure": "{score}%",
    "counts": "Heard so far",
    "nothing": "Nothing yet",
    "times": "{label}: {count}",
    "picture": "What was heard in the last minute, by time, with the level above",
    "left": "Stopped: this tab was left.",
    "expired": "Listening was interrupted; start again.",
    "ended": "Stopped after {minutes} minutes; start again to go on.",
    "busy": "Too many people are listening at the moment. Try again in a minute.",
    "unreadable": "What the microphone sends cannot be read as sound.",
    "model": "This model is not there any more; choose another.",
    "lost": "The app does not answer; is the connection lost?",
    "denied": "The browser did not allow the microphone. Allow it in the address bar, then start again.",
    "missing": "No microphone was found. Plug one in, then start again.",
    "insecure": "The browser gives the microphone only to pages of this machine or with https.",
    "other": "The microphone cannot be used: {reason}",
    "now": "now",
    "ago": "{seconds} s",
}
