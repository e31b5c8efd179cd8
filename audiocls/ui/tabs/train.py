"""The tab that trains a model."""

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.context import AppContext, Navigation, Tab


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""
    return Tab()
