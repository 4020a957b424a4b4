"""Clients that keep working while processes are killed, and remember what they were promised."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from tests.e2e.system import Workspace


class Client(threading.Thread, ABC):
    """Repeats one step until told to stop; `problems` has what a caller should not have seen."""

    def __init__(self, workspace: Workspace, unreachable_is_fine: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self.statuses: Counter[int] = Counter()
        self.problems: list[str] = []
        self._http = workspace.http
        self._unreachable_is_fine = unreachable_is_fine
        self._stopping = threading.Event()

    def run(self) -> None:
        """Works until told to stop."""
        while not self._stopping.is_set():
            try:
                self.step()
            except Exception as error:
                self.problems.append(f"{type(error).__name__}: {error}")

    def finish(self) -> None:
        """Ends after the present step."""
        self._stopping.set()
        self.join(timeout=70)
        assert not self.is_alive()

    @abstractmethod
    def step(self) -> None:
        """One piece of work."""

    def send(self, method: str, path: str, body: dict[str, Any], good: int) -> dict[str, Any] | None:
        """Sends a request; returns the answer if it is good, None if the system said 503 properly."""
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            # The gateway itself may have been killed; asking again at once would only fill the list.
            self._stopping.wait(0.05)
            if not self._unreachable_is_fine():
                self.problems.append(f"{method} {path}: {error!r}")
            return None
        self.statuses[answer.status_code] += 1
        if answer.status_code == good:
            content: dict[str, Any] = answer.json()
            return content
        problem = answer.headers.get("content-type") == "application/problem+json"
        if not problem or answer.status_code != 503 or answer.json()["code"] != "UNAVAILABLE":
            self.problems.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        self._stopping.wait(0.02)
        return None


class Pusher(Client):
    """Writes documents; `acknowledged` has the word that only the document of that id has."""

    def __init__(self, workspace: Workspace, name: str, unreachable_is_fine: Callable[[], bool]) -> None:
        super().__init__(workspace, unreachable_is_fine)
        self.acknowledged: dict[str, str] = {}
        self._name = name
        self._count = 0

    def step(self) -> None:
        """Writes one document or a small batch, and a moment later the next."""
        if self._count % 5 == 4:
            documents = [self._document() for _ in range(3)]
            body = {"documents": documents}
            if self.send("POST", "/v1/knowledge/documents/batch", body, 202):
                self.acknowledged |= {each["external_id"]: _word(each["external_id"]) for each in documents}
        else:
            document = self._document()
            external_id = document.pop("external_id")
            path = f"/v1/knowledge/documents/by-external-id/{external_id}"
            if self.send("PUT", path, document, 202):
                self.acknowledged[external_id] = _word(external_id)
        self._stopping.wait(0.1)

    def _document(self) -> dict[str, Any]:
        self._count += 1
        external_id = f"{self._name}/{self._count}"
        word = _word(external_id)
        content = f"# The {word}\n\nThe {word} is kept on shelf {self._count} of the cellar.\n"
        return {"external_id": external_id, "title": f"About the {word}", "content": content}


class Asker(Client):
    """Asks stored questions; `answered` has (conversation, message) of each answer."""

    def __init__(self, workspace: Workspace, question: str, unreachable_is_fine: Callable[[], bool]) -> None:
        super().__init__(workspace, unreachable_is_fine)
        self.answered: list[tuple[str, str]] = []
        self._question = question

    def step(self) -> None:
        """Asks once."""
        answer = self.send("POST", "/v1/query", {"message": self._question}, 200)
        if answer:
            self.answered.append((answer["conversation_id"], answer["message_id"]))
        self._stopping.wait(0.02)


def _word(external_id: str) -> str:
    """A word made of letters, different for each id."""
    return "zq" + "".join(
        "abcdefghij"[int(each)] if each.isdigit() else each for each in external_id if each.isalnum()
    )
