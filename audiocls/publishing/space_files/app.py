"""The page of the model in `model/`: its sounds classified, live or from files. Change it as you like.

    pip install -r requirements.txt gradio
    python app.py

`audiocls/` is the part of audiocls that decodes sounds, runs models and shows the page, byte for byte as it was
released; `audiocls/ui/texts/` has the sentences of this page. Of `model/` only weights, settings, scores and example
sounds are used.
"""

import os
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported

try:
    import spaces  # before torch, where there is ZeroGPU

    on_gpu = spaces.GPU(duration=30)  # seconds; without effect on other hardware
except ModuleNotFoundError:

    def on_gpu(function: Any) -> Any:
        return function


from audiocls.inference.classifier import AudioClassifier
from audiocls.ui import texts
from audiocls.ui.card import limits
from audiocls.ui.context import AppContext
from audiocls.ui.page import build_app
from audiocls.ui.parts import LAUNCH
from audiocls.ui.serving.queue import QUEUE, SERVER, prepare, warm_up
from audiocls.ui.shelf import ModelShelf

MODEL_ID = "user/name"  # on the Hub
TABS = ("classify", "live", "recording", "batch", "model")

prepare()
classifier = AudioClassifier.from_pretrained(Path(__file__).parent / "model")  # on the GPU if there is one
classifier.name = MODEL_ID
heard = classifier.predict_known
if (asked := on_gpu(heard)) is not heard:
    classifier.predict_known = asked  # all that is heard goes through it, long recordings and explanations, too
else:
    warm_up(classifier)


def note() -> str:
    """What the model does not do, and where to read more."""
    card = texts.CARD_LINK.format(url=f"https://huggingface.co/{MODEL_ID}")
    return f"{limits(classifier)} {card}"


# Without rights: whoever comes is a visitor, and trains and publishes nothing here.
demo = build_app(AppContext(ModelShelf(classifier, MODEL_ID, runs=None)), TABS, note())
demo.queue(**QUEUE)

if __name__ == "__main__":
    demo.launch(**(LAUNCH | SERVER))
