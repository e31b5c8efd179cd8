"""The Gradio app: a page to try a model with the microphone or a file."""
