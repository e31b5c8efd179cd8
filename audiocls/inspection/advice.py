"""The words of an audit: what to do about each shortcut, and the faults of single clips."""

from audiocls.inspection.shortcuts import TOGETHER

MEND, CHECK, NOTE = "mend", "check", "note"  # how grave a finding is

AGAINST_SHORTCUTS = {
    "loudness": "if it comes from the recording and not from the sounds, record the classes with the same setup; "
    "training varies the volume (--augment, on by default), which takes most of it away",
    "duration": "if clips were cut differently, cut them alike, or train on a short window (--clip_seconds)",
    "sampling rate": "bring all files to one rate; train resamples to --sampling_rate, but what a low rate lost stays "
    "lost: choose a rate that all classes reach",
    "bandwidth": "train at a rate that all classes reach (--sampling_rate), or leave high bands out (--fmax_hz)",
    "silence": "cut the silence before and after the sounds in all classes alike",
    "background noise": "if the classes were recorded in different places, mix them: each class with each device "
    "and room; test on recordings from elsewhere",
    "offset": "an offset comes from the device: remove it (a high-pass at 20 Hz), and see whether one class has one "
    "device",
    "channels": "mix all files to one channel before you compare; train does so",
    "format": "store all classes in one format: a lossy one leaves traces that a model can hear",
    TOGETHER: "judge the model on sounds recorded by others, and by groups (--group_regex), not on a random part",
}

# Fault: how grave it is when more than a few clips have it, its title, what the clips do, what to do.
FAULTS = {
    "upsampled": (
        CHECK,
        "Upsampled files",
        "hold nothing above a lower sampling rate than they have",
        "replace them by recordings at the full rate, or leave them out: a model may take the empty band for a sign",
    ),
    "clipped": (
        CHECK,
        "Clipped files",
        "are cut at the top of the waves",
        "record them again with less gain, if possible",
    ),
    "cancelling channels": (
        CHECK,
        "Channels that cancel each other",
        "lose most of their sound when their channels are mixed, as train does",
        "keep one channel of these files, or turn the polarity of one",
    ),
    "cut off": (
        CHECK,
        "Files that end early",
        "are shorter than their headers say",
        "copy or download them again",
    ),
    "very long": (
        CHECK,
        "Very long files",
        "are much longer than the others, yet have one label",
        "cut them into clips that hold the sound",
    ),
    "offset": (
        NOTE,
        "Constant offset",
        "are off centre by more than 1% of full scale",
        "remove it with a high-pass at 20 Hz",
    ),
    "silent ends": (
        NOTE,
        "Silence around the sound",
        "are silent for more than half of their time before and after the sound",
        "cut the ends; a window may otherwise see nothing",
    ),
    "half silent": (NOTE, "Mostly silent", "are silent for more than half of their time", "cut the clips closer"),
    "very quiet": (
        NOTE,
        "Very quiet files",
        "are quieter than -50 LUFS",
        "listen whether the sound is in them at all",
    ),
}
