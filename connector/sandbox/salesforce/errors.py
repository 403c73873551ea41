"""How the make-believe Salesforce says no: one exception that knows its HTTP and its per-row shape."""

from collections.abc import Sequence


class Refused(ValueError):
    """Salesforce understood the request and turned it down.

    `code` is Salesforce's own error code; `fields` is None where Salesforce sends no such key (queries, logins).
    """

    def __init__(self, code: str, message: str, fields: Sequence[str] | None = None, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = None if fields is None else list(fields)
        self.status = status

    def as_error(self) -> dict[str, object]:
        """One element of the list that a failed request is answered with."""
        shape: dict[str, object] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            shape["fields"] = self.fields
        return shape

    def as_row_error(self) -> dict[str, object]:
        """One element of `errors` in the result of one row of a collection."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or []}


class Several(Refused):
    """An upsert or a read by a key that fits more than one record: HTTP 300 with the address of each."""

    def __init__(self, object_name: str, ids: Sequence[str]) -> None:
        super().__init__(
            "DUPLICATE_EXTERNAL_ID",
            f"More than one record found for external id field: [{', '.join(ids)}]",
            [],
            status=300,
        )
        self.object_name = object_name
        self.ids = list(ids)
