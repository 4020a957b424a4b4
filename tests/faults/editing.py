"""Clients that change documents and have the index made anew, and know what must be there in the end."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from tests.e2e.system import Workspace
from tests.faults.clients import Client

DOCUMENTS = "/v1/knowledge/documents"
SEARCH = "/v1/search"
_PARAGRAPHS = 3
# Slots of each editor: so many documents at most.
_SLOTS = 6


@dataclass(frozen=True)
class Kept:
    """A document as its last acknowledged write left it; `words`: one per paragraph, in no other text."""

    id: str
    words: tuple[str, ...]
    tags: tuple[str, ...] = ()
    active: bool = True

    @property
    def content(self) -> str:
        """Its text, a section per word so that each is a passage of its own."""
        return "".join(f"## The {each}\n\n{_sentence(each) * 12}\n\n" for each in self.words)


class Insistent(Client):
    """A client that repeats what was not answered until it is."""

    def __init__(self, workspace: Workspace, name: str, chance: random.Random) -> None:
        super().__init__(workspace, lambda: False)
        self.name = name
        self.chance = chance
        self._count = 0

    def insist(
        self, method: str, path: str, body: dict[str, Any] | None, *good: int
    ) -> httpx.Response | None:
        """
        Send a request again and again until one of the good statuses comes; None if told to stop before.

        Each carries the same `Idempotency-Key`.
        """
        key = {"idempotency-key": f"{self.name}-{self._number()}"} if method == "POST" else {}
        while True:
            answer = self._http.request(method, path, json=body, headers=key)
            self.statuses[answer.status_code] += 1
            if answer.status_code in good:
                return answer
            problem = answer.headers.get("content-type") == "application/problem+json"
            if not problem or answer.status_code != 503 or answer.json()["code"] != "UNAVAILABLE":
                self.problems.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
                return None
            # What was begun is finished, so that it is known how it ended.
            time.sleep(0.05)

    def _number(self) -> int:
        self._count += 1
        return self._count


class Editor(Insistent):
    """
    Writes, edits, patches and deletes documents of its own.

    `kept` has those that must be there, by external id; `gone` the ids and `retired` the words that may not
    be found any more.
    """

    def __init__(self, workspace: Workspace, name: str, chance: random.Random) -> None:
        super().__init__(workspace, name, chance)
        self.kept: dict[str, Kept] = {}
        self.gone: set[str] = set()
        self.retired: set[str] = set()
        self._deletions: dict[str, str] = {}

    def step(self) -> None:
        """One write, and a look at a deletion."""
        external_id = f"{self.name}/{self.chance.randrange(_SLOTS)}"
        present = self.kept.get(external_id)
        if present is None:
            self._create(external_id)
        else:
            change = self.chance.choice([self._edit, self._edit, self._put, self._patch, self._remove])
            change(external_id, present)
        self._look_at_a_deletion()
        self._stopping.wait(0.05)

    def _create(self, external_id: str) -> None:
        made = Kept("", tuple(self._word() for _ in range(_PARAGRAPHS)))
        body = {"external_id": external_id, "title": external_id, "content": made.content}
        answer = self.insist("POST", DOCUMENTS, body, 202)
        if answer is not None:
            self.kept[external_id] = replace(made, id=answer.json()["id"])

    def _put(self, external_id: str, present: Kept) -> None:
        made = replace(present, words=tuple(self._word() for _ in range(_PARAGRAPHS)), tags=(), active=True)
        body = {"title": external_id, "content": made.content}
        path = f"{DOCUMENTS}/by-external-id/{external_id}"
        if self.insist("PUT", path, body, 200, 202) is not None:
            self._became(external_id, made)

    def _edit(self, external_id: str, present: Kept) -> None:
        words = list(present.words)
        words[self.chance.randrange(len(words))] = self._word()
        made = replace(present, words=tuple(words))
        if self.insist("PATCH", f"{DOCUMENTS}/{present.id}", {"content": made.content}, 200, 202) is not None:
            self._became(external_id, made)

    def _patch(self, external_id: str, present: Kept) -> None:
        made = replace(present, tags=(self.chance.choice("xyz"),), active=self.chance.random() < 0.7)
        body = {"tags": list(made.tags), "active": made.active}
        if self.insist("PATCH", f"{DOCUMENTS}/{present.id}", body, 200, 202) is not None:
            self._became(external_id, made)

    def _remove(self, external_id: str, present: Kept) -> None:
        answer = self.insist("DELETE", f"{DOCUMENTS}/{present.id}", None, 202, 404)
        if answer is None:
            return
        del self.kept[external_id]
        self.gone.add(present.id)
        self.retired |= set(present.words)
        if answer.status_code == 202:
            self._deletions[answer.json()["id"]] = present.id

    def _became(self, external_id: str, made: Kept) -> None:
        self.retired |= set(self.kept[external_id].words) - set(made.words)
        self.kept[external_id] = made

    def _look_at_a_deletion(self) -> None:
        """Once a deletion has succeeded no search finds the document."""
        if not self._deletions:
            return
        operation, document = self.chance.choice(sorted(self._deletions.items()))
        answer = self.insist("GET", f"/v1/knowledge/operations/{operation}", None, 200)
        if answer is None or answer.json()["status"] == "running":
            return
        del self._deletions[operation]
        if answer.json()["status"] != "succeeded":
            self.problems.append(f"deletion of {document}: {answer.text}")
            return
        body = {"message": "kept in drawer", "filters": {"document_ids": [document]}, "exact": True}
        found = self.insist("POST", SEARCH, body, 200)
        if found is not None and found.json()["results"]:
            self.problems.append(f"{document} is found after its deletion: {found.text[:300]}")

    def _word(self) -> str:
        letters = "".join("abcdefghij"[int(each)] for each in str(self._number()))
        return f"zq{self.name}{letters}"


class Reindexer(Insistent):
    """Has the index made anew, goes back, and calls some of it off."""

    def step(self) -> None:
        """One operation to its end."""
        path = self.chance.choice(["reindex", "reindex", "reindex/rollback"])
        answer = self.insist("POST", f"/v1/knowledge/{path}", {}, 202, 409)
        if answer is None or answer.status_code == 409:
            self._stopping.wait(0.2)
            return
        operation = f"/v1/knowledge/operations/{answer.json()['id']}"
        if self.chance.random() < 0.25:
            self._stopping.wait(self.chance.random())
            self.insist("POST", f"{operation}/cancel", None, 200, 202, 409)
        while not self._stopping.wait(0.1):
            answer = self.insist("GET", operation, None, 200)
            if answer is None or answer.json()["status"] in ("succeeded", "cancelled"):
                return
            if answer.json()["status"] not in ("queued", "running"):
                self.problems.append(f"{path}: {answer.text}")
                return


@dataclass
class Expectation:
    """What several editors together know of a workspace."""

    kept: dict[str, Kept] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    retired: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, editors: list[Editor]) -> Expectation:
        """Sum up."""
        made = cls()
        for each in editors:
            made.kept |= each.kept
            made.gone |= each.gone
            made.retired |= each.retired
        return made


def _sentence(word: str) -> str:
    return f"The {word} is kept in drawer {len(word)} of the {word} cupboard. "
