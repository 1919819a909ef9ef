def accepts(head, name): return False
