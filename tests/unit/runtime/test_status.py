import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2

from services.kernel.errors import DomainError, ErrorKind, InvalidArgument, Unavailable, Violation
from services.runtime.status import to_status


class Lost(DomainError):
    kind = ErrorKind.NOT_FOUND
    reason = "DOCUMENT_NOT_FOUND"


def test_every_kind_has_a_code() -> None:
    """No kind of error is left without a gRPC status code."""
    for each in ErrorKind:
        error = Lost("gone")
        error.kind = each  # type: ignore[misc]
        assert code_pb2.Code.Name(to_status(error).code) == each.name
        assert hasattr(grpc.StatusCode, each.name)


def test_details_carry_reason_violations_and_delay() -> None:
    """ErrorInfo, BadRequest and RetryInfo say what the error says."""
    status = to_status(InvalidArgument("bad", violations=[Violation("/message", "is empty")]))
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad)
    assert (info.reason, info.domain) == ("INVALID_ARGUMENT", "supportagent")
    assert (bad.field_violations[0].field, bad.field_violations[0].description) == ("/message", "is empty")
    retry = error_details_pb2.RetryInfo()
    assert to_status(Unavailable("later", retry_after=1.5)).details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 1500


@pytest.mark.parametrize("count", [1, 3])
def test_invalid_argument_counts_its_violations(count: int) -> None:
    """The detail names the first violation and how many more there are."""
    detail = InvalidArgument.of([Violation("/a", "is wrong")] * count).detail
    assert detail.startswith("/a: is wrong")
    assert ("2 more" in detail) == (count == 3)


def test_a_status_fits_into_a_header() -> None:
    """However long the detail and many the violations, a caller can receive them; the first ones are told."""
    error = InvalidArgument.of([Violation(f"/metadata/{i}", "is wrong") for i in range(10_000)])
    error.detail = "ü" * 10_000
    status = to_status(error)
    bad = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad)
    assert status.ByteSize() < 20_000
    assert bad.field_violations[0].field == "/metadata/0"
    assert len(bad.field_violations) > 100
