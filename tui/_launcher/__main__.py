"""Makes `python -m agentmail_tui` work as the installed command does."""

from agentmail_tui import main

raise SystemExit(main())
