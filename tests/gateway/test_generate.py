"""What the generator makes of the protos."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from supportagent.access.v1 import annotations_pb2

from gateway.envoy.binary import envoy_binary
from gateway.envoy.generate import Address, Endpoints, render
from gateway.envoy.generate.__main__ import main
from gateway.envoy.generate.descriptors import Descriptors
from gateway.envoy.generate.error_reasons import ENUM, read_error_reasons
from gateway.envoy.generate.path_template import PathTemplate
from gateway.envoy.generate.route_table import read_routes
from tests.gateway.envoy_process import DESCRIPTOR_SET

ROOMS = ("access", "query", "knowledge", "conversations")
WHERE = ["--check", "127.0.0.1:5001", "--out"]


@pytest.fixture
def files() -> descriptor_pb2.FileDescriptorSet:
    """The project's own descriptor set, to be changed at will."""
    return descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR_SET.read_bytes())


def method(files: descriptor_pb2.FileDescriptorSet, name: str) -> descriptor_pb2.MethodDescriptorProto:
    """Return an RPC by its name."""
    return next(m for f in files.file for s in f.service for m in s.method if m.name == name)


def endpoints(rooms: tuple[str, ...] = ROOMS) -> Endpoints:
    """Return some addresses."""
    nowhere = Address("127.0.0.1", 1)
    services = dict.fromkeys(rooms, nowhere) | {"knowledge": Address("knowledge.internal", 50051)}
    public, operator, admin, check, grpc = (Address("127.0.0.1", port) for port in range(2, 7))
    return Endpoints(public, operator, admin, check, services, grpc)


def test_envoy_accepts_the_configuration(tmp_path: Path) -> None:
    """Envoy's own validation passes on what is rendered, names and IPs alike."""
    config = render(endpoints(), tmp_path, DESCRIPTOR_SET)
    command = [str(envoy_binary()), "--mode", "validate", "-c", str(config), "--log-level", "warn"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "deprecated" not in result.stderr.lower()


def test_the_command_renders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command takes addresses and prints where the configuration is."""
    services = [argument for room in ROOMS for argument in ("--service", f"{room}=127.0.0.1:5000")]
    assert main([*WHERE, str(tmp_path), "--public", "127.0.0.1:8080", *services]) == 0
    written = json.loads(Path(capsys.readouterr().out.strip()).read_text())
    socket = written["static_resources"]["listeners"][0]["address"]["socket_address"]
    assert socket == {"address": "127.0.0.1", "port_value": 8080}


def test_a_service_without_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing address is named, and nothing else is guessed."""
    assert main([*WHERE, str(tmp_path), "--service", "access=127.0.0.1:5000"]) == 2
    assert "no address was given for the service 'conversations'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "a", "a:", "a:b", "a:0", "a:65536", "1:-1"])
def test_addresses_that_are_none(text: str) -> None:
    """Only host:port is an address."""
    with pytest.raises(ValueError, match="host:port"):
        Address.parse(text)


def test_each_public_route_has_a_check_and_a_deadline(tmp_path: Path) -> None:
    """No route to a service is without its rule for access; operator routes are on the other listener."""
    config = json.loads(render(endpoints(), tmp_path, DESCRIPTOR_SET).read_text())
    for each in config["static_resources"]["listeners"]:
        manager = each["filter_chains"][0]["filters"][0]["typed_config"]
        routes = [r for r in manager["route_config"]["virtual_hosts"][0]["routes"] if "route" in r]
        assert routes
        for route in routes:
            metadata = route["metadata"]["filter_metadata"]
            first = "shape_status" if each["name"] == "grpc" else "shape_response"
            audience, scope, publishable, meter, name = metadata[first]["rule"].split("|")
            assert (audience == "operator") == (each["name"] == "operator")
            assert audience != "api_key" or scope or name.endswith("UsageService/GetUsage")
            assert publishable in ("true", "false")
            assert meter in ("request", "query", "knowledge_write")
            assert "ext_authz" not in route.get("typed_per_filter_config", {})
            assert route["route"]["timeout"]
            assert (
                metadata["check_call"]["timeout_ms"]
                if each["name"] == "grpc"
                else route["request_headers_to_add"][0]["header"]["key"] == "grpc-timeout"
            )


def test_a_route_without_an_audience(files: descriptor_pb2.FileDescriptorSet) -> None:
    """An RPC with an HTTP route and no rule is refused."""
    method(files, "Search").options.ClearExtension(annotations_pb2.route)
    with pytest.raises(ValueError, match=r"QueryService\.Search: the route says nothing of its audience"):
        read_routes(Descriptors(files))


def test_a_public_field_that_json_would_print_as_a_string(files: descriptor_pb2.FileDescriptorSet) -> None:
    """int64 has no place in the public API."""
    request = next(m for f in files.file for m in f.message_type if m.name == "ListDocumentsRequest")
    request.field[0].type = descriptor_pb2.FieldDescriptorProto.TYPE_INT64
    with pytest.raises(ValueError, match=r"ListDocumentsRequest\.page_size"):
        read_routes(Descriptors(files))


def test_a_reason_without_a_status(files: descriptor_pb2.FileDescriptorSet) -> None:
    """A reason whose comment does not begin with its HTTP status is refused."""
    file = next(f for f in files.file if f.package == ENUM.rpartition(".")[0])
    for place in file.source_code_info.location:
        place.leading_comments = place.leading_comments.replace("404. ", "")
    with pytest.raises(ValueError, match="does not begin with its HTTP status"):
        read_error_reasons(Descriptors(files))


@pytest.mark.parametrize(
    "template", ["v1/a", "/v1/{a=**}/b", "/v1/{a=b/*}", "/v1/a:cancel", "/v1/*", "/v1/{A}"]
)
def test_templates_that_are_not_routed(template: str) -> None:
    """Forms of templates that the gateway does not know are refused, not guessed."""
    with pytest.raises(ValueError, match=r"segment|slash|last"):
        PathTemplate.parse(template)


@pytest.mark.parametrize(
    ("template", "path", "matches"),
    [
        ("/v1/a/{id}", "/v1/a/x", True),
        ("/v1/a/{id}", "/v1/a/x%20y", True),
        ("/v1/a/{id}", "/v1/a/", False),
        ("/v1/a/{id}", "/v1/a/x/y", False),
        ("/v1/a/{id}", "/v1/a/x%2Fy", False),
        ("/v1/a/{id}", "/v1/a/x%2fy", False),
        ("/v1/a/{id}", "/v1/a/x%", False),
        ("/v1/a/{id}/b", "/v1/a/x/b", True),
        ("/v1/a/{id=**}", "/v1/a/x/y%2Fz", True),
        ("/v1/a.b", "/v1/axb", False),
    ],
)
def test_path_expressions(template: str, path: str, matches: bool) -> None:
    """A variable takes one segment, or with `**` all that follow."""
    assert bool(re.fullmatch(PathTemplate.parse(template).regex, path)) == matches


def test_openapi_tells_what_the_gateway_does(tmp_path: Path) -> None:
    """The document has the public routes, their scopes, bodies and statuses; all references resolve."""
    render(endpoints(), tmp_path, DESCRIPTOR_SET)
    text = (tmp_path / "openapi.json").read_text()
    document = json.loads(text)
    assert document["openapi"] == "3.1.0"
    assert not [path for path in document["paths"] if path.startswith("/operator")]
    upsert = document["paths"]["/v1/knowledge/documents/by-external-id/{external_id}"]["put"]
    assert upsert["security"] == [{"key": ["knowledge:write"]}]
    assert upsert["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/DocumentInput")
    assert next(iter(upsert["responses"])) == "202"
    assert {p["name"] for p in upsert["parameters"]} == {"external_id", "If-Match"}
    assert document["components"]["schemas"]["DocumentInput"]["required"] == ["title"]
    assert document["components"]["schemas"]["DocumentInput"]["additionalProperties"] is False
    assert "DOCUMENT_NOT_FOUND" in document["components"]["schemas"]["ErrorCode"]["enum"]
    for reference in re.findall(r'"#/([^"]+)"', text):
        target = document
        for step in reference.split("/"):
            target = target[step]
    operations = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(operations) == len(set(operations))


def test_openapi_tells_where_limits_are_shown(tmp_path: Path) -> None:
    """Each answer to a key has the headers of the limits; a refused key's has none, it has no workspace."""
    render(endpoints(), tmp_path, DESCRIPTOR_SET)
    document = json.loads((tmp_path / "openapi.json").read_text())
    limits = {"RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Quota-Warning"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            assert {"400", "413", "429", "431", "500", "503", "504"} <= set(answers)
            assert ({"401", "403"} <= set(answers)) == path.startswith("/v1/")
            success = next(iter(answers.values()))
            assert "X-Request-Id" in success["headers"]
            assert (limits <= set(success["headers"])) == path.startswith("/v1/")
    shared = document["components"]["responses"]
    assert all((limits <= set(answer["headers"])) == (status != "401") for status, answer in shared.items())
    assert "Retry-After" in shared["429"]["headers"]


def test_openapi_has_every_status_that_a_comment_names(tmp_path: Path) -> None:
    """A code in the comment of an RPC or of a request's field is a documented answer."""
    render(endpoints(), tmp_path, DESCRIPTOR_SET)
    paths = json.loads((tmp_path / "openapi.json").read_text())["paths"]
    documents = "/v1/knowledge/documents"
    for path, method, statuses in (
        ("/v1/query", "post", {"404"}),
        ("/v1/query/stream", "post", {"404"}),
        ("/v1/search", "post", {"404"}),
        ("/v1/knowledge/operations/{operation_id}/cancel", "post", {"404", "409"}),
        ("/v1/knowledge/operations/{operation_id}/retry", "post", {"404", "409", "422"}),
        ("/v1/knowledge/reindex", "post", {"409", "422"}),
        ("/v1/knowledge/reindex/rollback", "post", {"409", "422"}),
        (f"{documents}/{{document_id}}/versions", "get", {"404"}),
        (f"{documents}/{{document_id}}/versions/{{version}}", "get", {"404"}),
        (f"{documents}/by-external-id/{{external_id}}", "delete", {"404", "412"}),
        (f"{documents}/batch", "post", {"409", "422"}),
    ):
        assert statuses <= set(paths[path][method]["responses"]), path
