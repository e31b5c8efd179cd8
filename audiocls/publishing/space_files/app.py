"""A page to try the model in `model/`: a sound in, what the model hears out. Change it as you like.

    pip install -r requirements.txt gradio
    python app.py

`audiocls/` is the part of audiocls that decodes sounds, runs models and reads well on a phone, byte for byte as it was
released; `audiocls/ui/texts.py` has the sentences of this page. Of `model/` only weights and settings are used.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported

try:
    import spaces  # before torch, where there is ZeroGPU

    on_gpu = spaces.GPU(duration=30)  # seconds; without effect on other hardware
except ModuleNotFoundError:

    def on_gpu(function: Any) -> Any:
        return function


import gradio as gr
import numpy as np
import soundfile

from audiocls.inference.answers import Answer
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui import texts
from audiocls.ui.card import escaped, score_line
from audiocls.ui.parts import LAUNCH, answer_bars, classify_endpoint, sound_input
from audiocls.ui.sounds import CACHE_SECONDS, read_sound, told, verdict

MODEL_ID = "user/name"  # on the Hub
HERE = Path(__file__).parent
NAMED_LABELS = 12

classifier = AudioClassifier.from_pretrained(HERE / "model")  # on the GPU if there is one


@on_gpu
def hear(waveform: np.ndarray) -> Answer:
    """What the model says of a mono float32 waveform (time,) at `classifier.sampling_rate` Hz, of any length."""
    (answer,) = classifier.answers((classifier.sampling_rate, waveform))
    return answer


def classify(sound: str | None) -> list[dict[str, Any]]:
    """All labels and their scores, best first; the endpoint for programs."""
    if sound is None:
        raise told(texts.NOTHING_YET)
    scores = hear(read_sound(sound, classifier.sampling_rate)).scores
    order = np.argsort(-scores, kind="stable")
    return [{"label": classifier.labels[n], "score": float(scores[n])} for n in order]


def show(sound: str | None) -> tuple[Any, Any]:
    """Label bars, and a hint for what is none of the classes; nothing where the sound was taken away."""
    if sound is None:
        return None, gr.Markdown(visible=False)
    answer = hear(read_sound(sound, classifier.sampling_rate))
    scores = dict(zip(classifier.labels, answer.scores.tolist(), strict=True))
    none_of_these = answer.label is None
    return gr.Label(scores, show_heading=not none_of_these), gr.Markdown(verdict(answer), visible=none_of_these)


def example_sounds() -> dict[str, str]:
    """The sounds in `examples/` by what they are called: their title, else their name."""
    found = {}
    for path in sorted((HERE / "examples").glob("*")):
        with suppress(soundfile.LibsndfileError), soundfile.SoundFile(path) as sound:
            found[sound.title or path.stem] = str(path)
    return found


def show_on_request(sound: str | None) -> tuple[Any, Any]:
    if sound is None:
        gr.Info(texts.NOTHING_YET)
    return show(sound)


def introduction() -> str:
    """What the model is, how good it is, and what it does not do."""
    url = f"https://huggingface.co/{MODEL_ID}"
    return "\n\n".join(
        [
            f"# {escaped(MODEL_ID.split('/')[-1])}",
            texts.INTRODUCTION.format(name=f"[{escaped(MODEL_ID)}]({url})")
            + f" {score_line(classifier.metrics)} {texts.CARD_LINK.format(url=url)}",
        ]
    )


def limits() -> str:
    """What the model knows, and how it hears."""
    named = ", ".join(escaped(label) for label in classifier.labels[:NAMED_LABELS])
    if len(classifier.labels) > NAMED_LABELS:
        named += texts.AND_MORE.format(number=len(classifier.labels) - NAMED_LABELS)
    tells = classifier.multi_label or classifier.known_threshold is not None
    sentences = [
        texts.KNOWS.format(labels=named),
        "" if tells else texts.NAMES_THE_CLOSEST,
        texts.HEARS.format(seconds=classifier.window_length / classifier.sampling_rate),
    ]
    return " ".join(filter(None, sentences))


with gr.Blocks(
    title=MODEL_ID.split("/")[-1], analytics_enabled=False, delete_cache=(CACHE_SECONDS, CACHE_SECONDS)
) as demo:
    gr.Markdown(introduction())
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            audio, button = sound_input(example_sounds())
        with gr.Column(scale=3, min_width=320):
            hint, bars = answer_bars(classifier)
            gr.Markdown(limits(), elem_id="limits")

    audio.change(show, audio, [bars, hint], api_visibility="private", show_progress_on=[bars])
    button.click(show_on_request, audio, [bars, hint], api_visibility="private", show_progress_on=[bars])
    classify_endpoint(classify, audio)

demo.queue(max_size=20, default_concurrency_limit=1)

if __name__ == "__main__":
    demo.launch(**LAUNCH)
