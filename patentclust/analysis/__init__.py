"""Pure functions: arrays, texts and a seed in; arrays and texts out. No files, no network, no terminal."""
