"""Settings and calibration over gRPC, through every layer of the room."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from supportagent.query.v1 import answering_service_pb2 as pb
from supportagent.query.v1 import query_service_pb2 as query_pb

from services.kernel.errors import DomainError, ErrorKind
from services.query.domain.confidence.calibrations import Label
from services.query.domain.confidence.model import shipped_model
from services.runtime.call import acting_as
from services.runtime.status import from_rpc_error
from tests.rpc.query.query_server import ACME, LEAST, MEASURED, OTHER, QueryServer, query_server

MODEL = pb.LanguageModelPatch(base_url="http://127.0.0.1:9/v1", model="smol", key="sk-very-secret")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QueryServer]:
    """The running parts."""
    with query_server(tmp_path) as running, acting_as(ACME):
        yield running


def update(server: QueryServer, **fields: object) -> pb.Answering:
    """Change settings of `ACME`."""
    request = pb.UpdateAnsweringRequest(
        workspace_id=ACME.workspace_id,
        patch=pb.AnsweringPatch(**fields),  # type: ignore[arg-type]
    )
    return server.answering.UpdateAnswering(request, timeout=10).answering


def shown(server: QueryServer, workspace_id: str = ACME.workspace_id) -> pb.Answering:
    """Return settings."""
    return server.answering.GetAnswering(
        pb.GetAnsweringRequest(workspace_id=workspace_id), timeout=10
    ).answering


def refusal(call: Callable[[], object]) -> DomainError:
    """Return the error of a call."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return from_rpc_error(raised.value)


class TestAnswering:
    """/operator/v1/workspaces/{workspace_id}/answering."""

    def test_defaults_are_shown(self, server: QueryServer) -> None:
        """Of a workspace that nobody knows, too."""
        settings = shown(server, "ws_unknown")
        assert settings.workspace_id == "ws_unknown"
        assert settings.answer_characters == 400
        assert (settings.medium_from, settings.high_from) == (0.4, 0.7)
        assert not settings.HasField("min_confidence")
        assert not settings.HasField("wanted_precision")
        assert not settings.HasField("language_model")
        assert settings.thresholds.min_confidence == LEAST
        assert settings.thresholds.model == shipped_model().version

    def test_what_is_set_is_shown_and_kept(self, server: QueryServer) -> None:
        """Of this workspace alone; a zero is set."""
        settings = update(server, min_confidence=0.0, answer_characters=300, language_model=MODEL)
        assert settings.HasField("min_confidence")
        assert settings.thresholds.min_confidence == 0
        assert settings.language_model.rewrite
        assert shown(server) == settings
        assert shown(server, OTHER.workspace_id).answer_characters == 400

    def test_a_precision_becomes_a_bound(self, server: QueryServer) -> None:
        """By the questions that the calibration shows."""
        settings = update(server, wanted_precision=0.7)
        assert settings.thresholds.min_confidence == 0.6
        assert settings.wanted_precision == 0.7

    def test_questions_are_answered_by_them(self, server: QueryServer) -> None:
        """Those of the workspace alone; a question's own bound goes first."""
        settings = update(server, min_confidence=1.0, medium_from=0.3, high_from=0.6)
        question = query_pb.QueryRequest(message="When does the Pro plan renew?", explain=True)
        answer = server.stub.Query(question, timeout=10)
        assert not answer.answered
        assert answer.explanation.thresholds == settings.thresholds
        question.min_confidence = 0
        assert server.stub.Query(question, timeout=10).answered
        with acting_as(OTHER):
            other = server.stub.Query(question, timeout=10).explanation.thresholds
        assert (other.min_confidence, other.medium_from) == (0, 0.4)

    def test_a_key_is_never_shown(self, server: QueryServer) -> None:
        """Neither in answers nor in the database's files."""
        settings = update(server, language_model=MODEL)
        assert settings.language_model.key_set
        assert "secret" not in str(settings)
        assert "secret" not in str(shown(server))
        files = [file.read_bytes() for file in server.folder.iterdir() if file.name.startswith("query.db")]
        assert files
        assert not any(b"very-secret" in each for each in files)

    def test_a_model_is_changed_and_removed(self, server: QueryServer) -> None:
        """Field by field, then whole."""
        update(server, language_model=MODEL)
        changed = update(server, language_model=pb.LanguageModelPatch(rewrite=False, retries=0))
        assert (changed.language_model.rewrite, changed.language_model.retries) == (False, 0)
        assert changed.language_model.key_set
        assert not update(server, clear=["language_model"]).HasField("language_model")

    def test_all_that_is_wrong_is_listed(self, server: QueryServer) -> None:
        """With pointers into the body, and nothing is changed."""
        error = refusal(
            lambda: update(server, answer_characters=1, high_from=0.2, language_model=pb.LanguageModelPatch())
        )
        assert error.kind is ErrorKind.INVALID_ARGUMENT
        assert [each.pointer for each in error.violations] == [
            "/language_model/base_url",
            "/language_model/model",
            "/answer_characters",
            "/medium_from",
        ]
        assert shown(server).answer_characters == 400

    @pytest.mark.parametrize("name", ["", "demo", "ws_", "ws_\0", "ws_a/b", "ws_" + "a" * 62])
    def test_what_is_no_id_is_refused(self, server: QueryServer, name: str) -> None:
        """A workspace's name is none."""
        error = refusal(lambda: shown(server, name))
        assert [each.pointer for each in error.violations] == ["/workspace_id"]


class TestCalibration:
    """/v1/query/calibration."""

    def test_the_shipped_one(self, server: QueryServer) -> None:
        """What was measured, its figures, and what applies to the workspace."""
        update(server, wanted_precision=0.7)
        answer = server.stub.GetCalibration(query_pb.GetCalibrationRequest(), timeout=10).calibration
        assert (answer.origin, answer.measured_on) == ("shipped", "seven questions")
        assert (answer.model, answer.questions) == (shipped_model().version, len(MEASURED))
        assert sum(each.questions for each in answer.reliability) == len(MEASURED)
        assert answer.ece_interval.low <= answer.ece_interval.high
        assert 0 < answer.ece < 1
        last = answer.risk_coverage[-1]
        assert (last.min_confidence, last.coverage, last.risk) == (0.1, 1, round(3 / 7, 4))
        assert answer.thresholds.min_confidence == 0.6

    def test_a_workspaces_own(self, server: QueryServer) -> None:
        """Once enough of its answers are labelled; the others keep the shipped one."""
        for index in range(240):
            label = Label(f"msg_{index:03}", shipped_model().version, 0.9, index % 2 == 0)
            server.labelled.put(ACME.workspace_id, label)
        answer = server.stub.GetCalibration(query_pb.GetCalibrationRequest(), timeout=10).calibration
        assert (answer.origin, answer.questions) == ("workspace", 240)
        assert answer.ece < 0.1
        with acting_as(OTHER):
            other = server.stub.GetCalibration(query_pb.GetCalibrationRequest(), timeout=10).calibration
        assert other.origin == "shipped"

    def test_nobody_has_none(self, server: QueryServer) -> None:
        """It takes a workspace."""
        with acting_as(type(ACME)(workspace_id=type(ACME.workspace_id)(""))):
            error = refusal(lambda: server.stub.GetCalibration(query_pb.GetCalibrationRequest(), timeout=10))
        assert error.kind is ErrorKind.UNAUTHENTICATED
