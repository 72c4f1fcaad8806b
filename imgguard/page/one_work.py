"""What is done with a draft: begun from an upload, changed by what is said about it, checked behind the scenes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from consent.errors import UserFacingError
from consent.store import now
from imgguard.guard import Guard
from imgguard.marks import Mark, MarkKind, check_mark
from imgguard.page import drafts
from imgguard.page.desk import Desk, Told
from imgguard.page.one_drafts import Draft, Drafts, as_refusal, new_id, same_place, with_marks
from imgguard.page.one_views import may_be_reference
from imgguard.page.texts import Text
from imgguard.references import store_reference
from imgguard.types import BoundingBox, CleanedPhoto, FaceResult

# Seconds without another change before a changed photo is checked: whoever covers five faces waits for one check.
_SETTLED = 0.5


@dataclass(slots=True, eq=False)
class Bench:
    """Works on drafts; one for the page.

    Attributes:
        desk: The page's.
        drafts: What is looked at.
    """

    desk: Desk
    drafts: Drafts = field(default_factory=Drafts)

    async def begin(self, content: bytes, label: Path, told: Told, owner: str) -> Draft:
        """Take in a photo, and show how it would come out.

        Raises:
            UserFacingError: why it is refused.
        """
        guard = await run_in_threadpool(self.desk.guard, told)
        rules = guard.rules
        looked, preview = await self.desk.pool.run(drafts.begin, content, label, rules)
        draft = Draft(new_id(), owner, label, told, guard, rules, looked, preview)
        await run_in_threadpool(self._keep, draft, content)
        for other in self.drafts.add(draft):
            await self.drop(other)
        self._check_soon(draft)
        return draft

    def _keep(self, draft: Draft, content: bytes) -> None:
        area = self.desk.area
        area.put(draft.key("content"), content)
        area.put(draft.key("original"), draft.looked.shown)
        self._keep_shown(draft)

    def _keep_shown(self, draft: Draft) -> None:
        self.desk.area.put(draft.key("shown"), draft.preview.shown)
        draft.preview = replace(draft.preview, shown=b"")

    async def drop(self, draft: Draft) -> None:
        """Forget a draft, with its pictures."""
        self.drafts.take(draft.id)
        await run_in_threadpool(self.drop_files, draft)

    def forget(self) -> None:
        """Let the workers forget the photo that each decoded last."""
        for _ in range(self.desk.pool.workers):
            self.desk.pool.submit(drafts.forget)

    def drop_files(self, draft: Draft) -> None:
        """Delete what the area holds of a draft."""
        for what in ("content", "original", "shown", "cleaned"):
            self.desk.area.drop(draft.key(what))

    async def say(self, draft: Draft, mark: Mark) -> None:
        """Add a mark, if it is allowed.

        Raises:
            MarkRefused: if it is not.
        """
        rules = draft.rules
        async with draft.lock:
            await run_in_threadpool(check_mark, mark, draft.faces, rules)
            await self._go(draft, lambda: draft.step((*draft.marks, mark)), (*draft.marks, mark))

    async def unsay(self, draft: Draft, face: FaceResult) -> None:
        """Take the operator's own marks off a place; what was decided without them holds again."""
        async with draft.lock:
            left = tuple(mark for mark in draft.marks if not same_place(mark.box, face.detection.box))
            if left != draft.marks:
                await self._go(draft, lambda: draft.step(left), left)

    async def move(self, draft: Draft, steps: int) -> None:
        """Undo (-1) or redo (1)."""
        async with draft.lock:
            there = draft.at + steps
            if 0 <= there < len(draft.steps):
                await self._go(draft, lambda: setattr(draft, "at", there), draft.steps[there])

    async def _go(self, draft: Draft, commit: Callable[[], None], marks: Iterable[Mark]) -> None:
        """Show a draft as other marks make it; nothing is changed if that fails."""
        content = await self.content(draft)
        rules = with_marks(draft.judged, draft.looked.sha256, tuple(marks))
        preview = await self.desk.pool.run(drafts.preview, content, draft.label, rules, draft.looked.known)
        commit()
        draft.changed(preview)
        await run_in_threadpool(self._keep_shown, draft)
        self._check_soon(draft)

    async def look_again(self, draft: Draft, guard: Guard) -> None:
        """Look at a photo anew, since the school file says something else than before; what was said is kept.

        Marks that are not allowed any more are left out.
        """
        content, judged = await self.content(draft), guard.rules
        rules = with_marks(judged, draft.looked.sha256, draft.marks)
        looked, preview = await self.desk.pool.run(drafts.begin, content, draft.label, rules)
        draft.guard, draft.judged, draft.looked = guard, judged, looked
        draft.changed(preview)
        await run_in_threadpool(self._keep_shown, draft)
        self._check_soon(draft)

    async def keep_references(self, draft: Draft, text: Text) -> tuple[str, ...]:
        """Keep the faces that may help to know people again; gives what came of each."""
        notes = []
        for face in draft.faces:
            who = face.decision.subject_id
            if who is not None and draft.asked.get(who) and may_be_reference(face, draft):
                name = draft.guard.rules.subjects[who].name
                try:
                    await self._keep_reference(draft, face, who)
                    notes.append(text("one.reference_kept", name=name))
                except UserFacingError as error:
                    notes.append(text("one.reference_not_kept", name=name, why=error.what))
        return tuple(notes)

    async def _keep_reference(self, draft: Draft, face: FaceResult, who: str) -> None:
        on, content = self.desk.on, await self.content(draft)
        seen = await self.desk.pool.run(drafts.see, content, draft.label, face.detection.box, on)

        def keep() -> None:
            with self.desk.store() as store:
                store_reference(store, self.desk.vault(store), seen, who, on)

        await run_in_threadpool(keep)

    async def content(self, draft: Draft) -> bytes:
        """Give the bytes of the original.

        Raises:
            InternalFault: if the area has lost them.
        """
        content = await run_in_threadpool(self.desk.area.get, draft.key("content"))
        if content is None:
            raise as_refusal(LookupError())
        return content

    def _check_soon(self, draft: Draft) -> None:
        if draft.checking is not None:
            draft.checking.cancel()
        draft.checking = asyncio.create_task(self._check(draft, draft.version))

    async def _check(self, draft: Draft, version: int) -> None:
        if version > 1:
            await asyncio.sleep(_SETTLED)
        try:
            content = await self.content(draft)
            work = drafts.finish_and_show
            cleaned, shown = await self.desk.pool.run(work, content, draft.label, draft.rules, draft.looked.known)
        except Exception as error:
            if draft.version == version:
                draft.refusal = as_refusal(error)
            return
        # Nothing may be said meanwhile: what is kept as checked is what was said until then, and nothing else.
        async with draft.lock:
            if draft.version == version:
                draft.more = max(0, len(cleaned.faces) - len(draft.faces))
                draft.preview = shown
                try:
                    await run_in_threadpool(self._keep_checked, draft, cleaned)
                except UserFacingError as error:
                    draft.refusal = error

    def _keep_checked(self, draft: Draft, cleaned: CleanedPhoto) -> None:
        self._keep_shown(draft)
        self.desk.area.put(draft.key("cleaned"), cleaned.content)
        draft.cleaned, draft.checked = replace(cleaned, content=b""), True
        if draft.id not in self.drafts.found:
            # It was closed while this was written.
            self.drop_files(draft)


def said(kind: MarkKind, box: BoundingBox, operator: str, subject_id: str | None = None) -> Mark:
    """Make a mark of what was just said."""
    return Mark(kind, box, subject_id, operator, now())
