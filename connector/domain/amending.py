"""What a deal may do to a running contract: change it, follow it, end it, or be edited after it made it."""

from __future__ import annotations

from connector.domain.amendment import plan_amendment
from connector.domain.cancellation import plan_cancellation
from connector.domain.editing import plan_edit
from connector.domain.renewal import plan_renewal

__all__ = ["plan_amendment", "plan_cancellation", "plan_edit", "plan_renewal"]
