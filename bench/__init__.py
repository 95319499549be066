"""The benchmark: the daemon and its peers side by side in one run. `python -m bench`; never a test."""
