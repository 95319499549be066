"""GetIVR2Dir: which folders are extensions, whatever its spelling, and never a guess."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.model import Failure, Unknown
from daemon.yemot.folders import Folder, Listing, folder, listing

DIR: dict[str, Any] = {"exists": True, "name": "5", "uniqueId": "u", "what": "ivr2:/5", "fileType": "DIR"}


def answer(*dirs: Any, **more: Any) -> dict[str, Any]:
    return {"responseStatus": "OK", "extIni": [], "dirs": list(dirs), **more}


def test_an_extension_has_a_type_and_a_folder_of_data_has_none() -> None:
    found = listing(answer({**DIR, "extType": "Queue ", "extTitle": "מכירות"}, {**DIR, "name": "data"}))

    assert found == Listing(None, (Folder("5", "queue", "מכירות"), Folder("data", None, None)))


@pytest.mark.parametrize("ini", [[], None, {}, {"type": ""}, {"type": None}, "x"])
def test_settings_that_are_none_say_no_type(ini: Any) -> None:
    found = listing(answer(extIni=ini))

    assert isinstance(found, Listing)
    assert found.type is None


def test_the_folder_s_own_type_is_in_its_settings() -> None:
    found = listing(answer(extIni={"type": "menu"}))

    assert isinstance(found, Listing)
    assert found.type == "menu"


@pytest.mark.parametrize("dirs", [None, [], {}])
def test_no_folders_are_no_folders(dirs: Any) -> None:
    assert listing({"dirs": dirs}) == Listing(None, ())


@pytest.mark.parametrize(
    "data", [{}, {"files": []}, {"dirs": "x"}, {"dirs": {"a": 1}}, {"dirs": [{}]}, {"dirs": [1]}]
)
def test_what_lists_no_folders_is_no_answer(data: Any) -> None:
    found = listing(data)

    assert isinstance(found, Unknown)
    assert found.failure is Failure.MALFORMED


def test_a_number_is_a_name_and_a_numbered_object_a_list() -> None:
    found = listing({"dirs": {"0": {"name": 5, "extType": "queue", "extTitle": 7}}})

    assert found == Listing(None, (Folder("5", "queue", "7"),))


@pytest.mark.parametrize("name", ["..", ".", "1/2", "/", "../../etc"])
def test_a_name_that_would_lead_elsewhere_is_passed_over(name: str) -> None:
    found = listing(answer({**DIR, "name": name, "extType": "menu"}, DIR))

    assert isinstance(found, Listing)
    assert [one.name for one in found.folders] == ["5"]


@given(
    st.dictionaries(
        st.sampled_from(["dirs", "extIni", "files"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["name", "extType", "0"]), inner),
            max_leaves=8,
        ),
    )
)
def test_any_answer_is_read_or_refused(data: Any) -> None:
    assert isinstance(listing(data), Listing | Unknown)


def test_the_question() -> None:
    assert folder("1/2").target == "GetIVR2Dir?path=1%2F2"
