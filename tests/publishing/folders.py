"""Model folders to publish: complete ones, as training writes them, in a moment."""

import json
from pathlib import Path

from tests.small_models import write_small_model

CARD = """---
library_name: transformers
pipeline_tag: audio-classification
license: unknown
tags: [audio, audio-classification, audiocls]
---

# sounds

Tells sounds apart.

## Use it

```python
from transformers import pipeline

classify = pipeline("audio-classification", model="sounds", trust_remote_code=True)
```

## Licence

No licence was chosen for the model, and none is known of the sounds it was trained on.
"""


def model_folder(folder: Path, **config: object) -> Path:
    """A small untrained model with all that is published."""
    write_small_model(folder, **config)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps({"split": "validation"}) + "\n", encoding="utf-8")
    return folder
