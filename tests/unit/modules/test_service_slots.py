"""Places of a service: bounded, fair, and never lost."""

from __future__ import annotations

import threading
import time

import pytest

from estudio.modules.service_slots import NoPlace, Slots


def test_places_are_empty_at_first_and_hold_what_is_given_back() -> None:
    slots: Slots[str] = Slots(2, last_first=False)
    assert (slots.take(0), slots.take(0)) == (None, None)
    with pytest.raises(NoPlace):
        slots.take(0.01)
    slots.give_back("a")
    slots.give_back("b")
    assert (slots.take(0), slots.take(0)) == ("a", "b")


def test_the_last_used_comes_first_where_that_is_wanted() -> None:
    slots: Slots[str] = Slots(2, last_first=True)
    slots.add_idle("a")
    slots.add_idle("b")
    assert slots.take(0) == "b"
    assert slots.idle_count == 1
    assert slots.remove_idle() == "a"
    assert slots.remove_idle() is None


def test_who_waits_longest_is_served_first() -> None:
    slots: Slots[int] = Slots(1, last_first=False)
    slots.take(0)
    order: list[int] = []

    def wait(number: int) -> None:
        held = slots.take(10)
        order.append(number)
        slots.give_back(held)

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while len(slots._waiting) <= number:
            time.sleep(0.001)
    slots.give_back(7)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]
    assert slots.take(0) == 7


def test_who_gave_up_waiting_gets_no_place() -> None:
    slots: Slots[str] = Slots(1, last_first=False)
    slots.take(0)
    with pytest.raises(NoPlace):
        slots.take(0.01)
    slots.give_back("a")
    assert slots.take(0) == "a"


def test_closing_sends_away_who_waits_and_who_comes() -> None:
    slots: Slots[str] = Slots(1, last_first=False)
    slots.take(0)
    ends: list[BaseException] = []

    def wait() -> None:
        try:
            slots.take(10)
        except NoPlace as error:
            ends.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not slots._waiting:
        time.sleep(0.001)
    slots.close()
    thread.join(5)
    assert len(ends) == 1
    with pytest.raises(NoPlace):
        slots.take(0)
