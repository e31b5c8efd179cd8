"""The networks by name, from feature maps to logits; they know nothing of waveforms, labels' names or training.

Every network takes clips of any length, padded on the right, and a mask of the frames that are real. What lies beyond
a clip's end stays zero, as the convolutions' own padding is, so a clip scores the same alone and in any batch (in eval
mode).
"""

from .convolution1d import ConvolutionOverTime
from .recurrent import ConvolutionalRecurrent
from .residual import ResidualCNN
from .trees import Boosting, Forest

NETWORKS = {
    "cnn": ResidualCNN,
    "cnn1d": ConvolutionOverTime,
    "crnn": ConvolutionalRecurrent,
    "forest": Forest,
    "boosting": Boosting,
}
