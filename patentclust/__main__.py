"""Let `python -m patentclust` be the command."""

from patentclust.cli import main

main()
