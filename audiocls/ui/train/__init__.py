"""The Train tab: sounds given or taught here, looked at, trained on in a process of its own."""
