"""Those who wait for an ending: rung from any thread, none of them missed, none of them kept."""

import asyncio
import threading

from daemon.web.waiting import Endings


def test_a_ring_from_another_thread_reaches_all_who_listen() -> None:
    endings = Endings()

    async def listen() -> None:
        events = [endings.listen() for _ in range(3)]
        thread = threading.Thread(target=endings.ring)
        thread.start()
        async with asyncio.timeout(10):
            for event in events:
                await event.wait()
        thread.join()

    asyncio.run(listen())


def test_a_ring_is_heard_also_by_who_looks_up_later() -> None:
    endings = Endings()

    async def listen() -> None:
        event = endings.listen()
        endings.ring()
        async with asyncio.timeout(10):
            await event.wait()

    asyncio.run(listen())


def test_at_the_end_everybody_is_sent_home() -> None:
    endings = Endings()

    async def listen() -> None:
        event = endings.listen()
        endings.close()
        async with asyncio.timeout(10):
            await event.wait()

    asyncio.run(listen())
    assert endings.is_closed


def test_who_left_is_not_rung() -> None:
    endings = Endings()

    async def listen() -> tuple[bool, bool]:
        gone, here = endings.listen(), endings.listen()
        endings.leave(gone)
        endings.ring()
        async with asyncio.timeout(10):
            await here.wait()
        return gone.is_set(), here.is_set()

    assert asyncio.run(listen()) == (False, True)


def test_a_ring_is_for_those_who_listened_before_it() -> None:
    endings = Endings()

    async def listen() -> bool:
        endings.ring()
        late = endings.listen()
        await asyncio.to_thread(lambda: None)
        return late.is_set()

    assert not asyncio.run(listen())


def test_a_loop_that_has_ended_is_in_nobodys_way() -> None:
    endings = Endings()

    async def listen() -> asyncio.Event:
        return endings.listen()

    event = asyncio.run(listen())
    endings.ring()
    endings.leave(event)
    endings.ring()
