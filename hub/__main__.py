"""`python -m hub` is the `kiosk-hub` command."""

import sys

from hub.cli import main

sys.exit(main())
