"""`python -I <this folder> …`: Python puts this folder on the path, even isolated, and so finds the package beside it."""

from cxod_viewer.main import main

main()
