"""How the example corpus is made from its sources: one module a format. `make_examples.py` is the way in."""
