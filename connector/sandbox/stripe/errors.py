"""How this Stripe refuses: one exception that carries the status and the body's fields."""

from typing import Any


class StripeRefusal(Exception):
    """A request Stripe answers with an error; `kind` is the body's `type`."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.headers = headers or {}
        self.error = {"type": kind, "message": message, "param": param, "code": code, **more}

    def body(self) -> dict[str, Any]:
        """The answer's body; fields without a value are left out, as Stripe leaves them out."""
        error = {key: value for key, value in self.error.items() if value is not None}
        if "code" in error:
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{error['code'].replace('_', '-')}"
        return {"error": error}


def missing(kind: str, ident: str, param: str | None = None) -> StripeRefusal:
    """No such object: 404 for an id in the path, 400 for one in a parameter."""
    return StripeRefusal(
        f"No such {kind.split('.')[-1]}: '{ident}'",
        param=param or "id",
        code="resource_missing",
        status=404 if param is None else 400,
    )


def required(param: str) -> StripeRefusal:
    """A parameter that only this combination of others makes necessary."""
    return StripeRefusal(f"Missing required param: {param}.", param=param, code="parameter_missing")
