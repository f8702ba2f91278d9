"""`python -I <this folder> …`: Python puts this folder on the path, even isolated, and so finds the package beside it."""

import signal

# Who starts it in a sandbox ignores this signal, so that it reaches the viewer alone; and that is inherited.
signal.signal(signal.SIGTERM, signal.SIG_DFL)

from cxod_viewer.main import main  # noqa: E402

main()
