"""The folders that are being looked through in this process, by their numbers."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from consent import reviews
from consent.reviews import Review, State
from consent.store import Store
from imgguard.errors import SetupError
from imgguard.page.desk import Desk, Told
from imgguard.page.places import folder_of
from imgguard.page.reviewing import Reviewing
from imgguard.page.reviewing_items import plan_folder
from imgguard.page.reviewing_release import Publishing, require_ready
from imgguard.page.reviewing_told import as_row, provisional


class Reviews:
    """The reviews of one desk."""

    def __init__(self, desk: Desk) -> None:
        """Begin with none."""
        self._desk = desk
        self._lock = threading.Lock()
        self._running: dict[int, Reviewing] = {}
        self._publishing: dict[int, Publishing] = {}
        self._browsers: dict[int, set[str]] = {}

    def begin(self, folder: str, told: Told, operator: str, again_of: int | None) -> int:
        """Begin to look through a folder, and give the review's number.

        Raises:
            UserFacingError: if the folder cannot be used, or what was chosen does not go together.
        """
        place = folder_of(folder)
        plan_folder(place, self._desk.guard(provisional(told)))
        with Store(self._desk.school) as store:
            number = reviews.begin_review(store, str(place), as_row(told), operator, again_of)
        self.open(number)
        return number

    def open(self, number: int, browser: str = "") -> Reviewing | None:
        """Give a review that is at work; one that was interrupted begins anew. None for one that is not to work.

        Args:
            number: The review's.
            browser: Who asks; when the last of those has left, the work ends.
        """
        with self._lock:
            self._browsers.setdefault(number, set()).add(browser)
            if number in self._running:
                return self._running[number]
            row = self.row(number)
            if row.state in {State.STOPPED, State.RELEASED, State.DROPPED}:
                return None
            return self._started(row)

    def at_work(self, number: int) -> Reviewing | None:
        """Give a review if it is at work."""
        with self._lock:
            return self._running.get(number)

    def again(self, number: int, browser: str = "") -> Reviewing:
        """Begin the work of a review anew: what was stopped, failed, or has another school file behind it now."""
        with self._lock:
            self._require_quiet(number)
            self._browsers.setdefault(number, set()).add(browser)
            if number in self._running:
                self._running.pop(number).close()
            row = self.row(number)
            if row.state in {State.STOPPED, State.PAUSED}:
                self.note(number, State.OPEN)
            return self._started(self.row(number))

    def left(self, browser: str, *, goes_on: bool = False) -> None:
        """Note that a browser has left, and end the work that nobody looks at any more, its pictures with it.

        Args:
            browser: Who has left.
            goes_on: Whether the work goes on nevertheless, as for somebody who was only away for too long: whoever
                opens the page again finds it done. It ends when they leave.
        """
        with self._lock:
            for number, browsers in self._browsers.items():
                browsers.discard(browser)
                if not goes_on and not browsers - {""} and not self._is_busy(number):
                    self._forget(number)

    def _forget(self, number: int) -> None:
        if number in self._running:
            self._running.pop(number).close()
        publishing = self._publishing.pop(number, None)
        if publishing is not None:
            publishing.drop()

    def _is_busy(self, number: int) -> bool:
        publishing = self._publishing.get(number)
        return publishing is not None and publishing.busy

    def _require_quiet(self, number: int) -> None:
        if self._is_busy(number):
            raise SetupError("This folder is being published now", "Wait until it is.")

    def publish(self, number: int) -> Publishing:
        """Publish a review that was released by everybody who has to, or go on with it.

        Raises:
            UserFacingError: if it cannot be published like this.
        """
        review = self.open(number)
        with self._lock:
            known = self._publishing.get(number)
            if known is not None and known.state.problem is None:
                return known
            if review is None:
                raise SetupError("This folder is not at work", "Go on with it first.")
            require_ready(review)
            found = self._publishing[number] = Publishing(self._desk, review, self.row(number))
            found.start()
            return found

    def publishing(self, number: int) -> Publishing | None:
        """Give the release of a review that was begun in this process."""
        with self._lock:
            return self._publishing.get(number)

    def stop(self, number: int, state: State) -> None:
        """End the work of a review; what was said stays.

        Raises:
            SetupError: if it is being published now.
        """
        with self._lock:
            self._require_quiet(number)
            if number in self._running:
                self._running.pop(number).close()
        if self.row(number).state not in {State.RELEASING, State.RELEASED, State.DROPPED}:
            self.note(number, state)

    def drop(self, number: int) -> None:
        """End a review for good; nothing of it is published.

        Raises:
            RecordError: if it was released.
        """
        with self._desk.store() as store:
            reviews.require_open(store, number)
        self.stop(number, State.DROPPED)

    def note_if_open(self, number: int, state: State) -> None:
        """Keep that the work rests or goes on, unless the photos are being published."""
        if self.row(number).state in {State.OPEN, State.PAUSED}:
            self.note(number, state)

    def row(self, number: int) -> Review:
        """Read a review.

        Raises:
            RecordError: if there is none.
        """
        with self._desk.store() as store:
            return reviews.find_review(store, number)

    def note(self, number: int, state: State) -> None:
        """Keep how far a review has come."""
        with self._desk.store() as store:
            reviews.set_state(store, number, state)

    def _started(self, row: Review) -> Reviewing:
        found = self._running[row.id] = Reviewing(self._desk, row)
        found.start()
        return found


_ALL: WeakKeyDictionary[Desk, Reviews] = WeakKeyDictionary()
_LOCK = threading.Lock()


def reviews_of(desk: Desk) -> Reviews:
    """Give the reviews of a desk."""
    with _LOCK:
        return _ALL.setdefault(desk, Reviews(desk))
