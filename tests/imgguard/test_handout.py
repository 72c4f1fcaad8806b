from __future__ import annotations

import random
import threading
import time
from contextlib import suppress

import pytest

from imgguard.handout import Handout, ask
from imgguard.rules import Rules
from imgguard.types import Style
from tests.conftest import TODAY

RULES = Rules(None, {}, None, TODAY, Style.BLUR, None)


def ask_if_there(address: str | tuple[str, int]) -> None:
    with suppress(OSError, EOFError):
        ask(address)


def test_who_asks_is_given_the_rules_and_nobody_is_after_the_end() -> None:
    handout = Handout(RULES)
    address = handout.address
    assert [ask(address).on for _ in range(3)] == [TODAY] * 3
    handout.close()
    handout.close()
    with pytest.raises((OSError, EOFError)):
        ask(address)


def test_it_ends_while_a_worker_asks() -> None:
    """As it does where another worker has just died, and all begin anew."""
    chance = random.Random(1)
    for _ in range(100):
        handout = Handout(RULES)
        threading.Thread(target=ask_if_there, args=(handout.address,), daemon=True).start()
        time.sleep(chance.uniform(0, 0.0015))
        closing = threading.Thread(target=handout.close, daemon=True)
        closing.start()
        closing.join(10)
        assert not closing.is_alive()
