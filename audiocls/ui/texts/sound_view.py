"""What the view of a sound says; by the names that its script knows."""

EMPTY = "The picture of a sound appears here."
WORDS = {
    "play": "Play",
    "pause": "Pause",
    "position": "Position in the sound",
    "marks": "Parts of the sound",
    "picture": "Waveform above, log-mel spectrogram below",
    "of": "{now} of {all}",
    "mark": "{label}, {start} to {end}",
    "unnamed": "Part {number}",
    "closer": "Closer",
    "wider": "Wider",
    "fetching": "Fetching this part...",
    "silent": "This part did not arrive; try again.",
    "unplayable": "The browser cannot play this sound.",
    "playing": "Playing {what}",
}
NOT_A_PART = "That is no part of this recording."
