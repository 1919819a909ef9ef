"""Turn a pile of patents into a map of technologies, on the analyst's own machine."""

__version__ = "0.1.0"
