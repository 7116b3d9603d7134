"""A strict OAuth 2.0 and OpenID Connect server for tests.

`Gatepass` starts a server and controls it; `Control` controls one that runs elsewhere, for example
in a container. `docs/testing.md` of the project describes every call.
"""

from .control import Clock, Control, ControlError, Fault, Login, Token
from .server import Gatepass

__all__ = ["Clock", "Control", "ControlError", "Fault", "Gatepass", "Login", "Token"]
