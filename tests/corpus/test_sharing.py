import json

import pytest

from audiocls.corpus.sharing import Processes, shares
from audiocls.errors import DataError


def test_everything_is_given_to_one_process_each_and_the_loads_are_about_equal():
    sizes = [5, 100, 7, 50, 50, 1, 0, 30]
    divided = shares(sizes, 3)
    assert sorted(index for share in divided for index in share) == list(range(len(sizes)))
    loads = [sum(sizes[index] for index in share) for share in divided]
    assert max(loads) <= 100
    assert all(sizes[share[0]] == max(sizes[index] for index in share) for share in divided)
    assert divided == shares(sizes, 3)


def test_more_processes_than_recordings():
    assert shares([3], 3) == [[0], [], []]


def test_without_a_launcher_there_is_one_process():
    processes = Processes()
    assert (processes.rank, processes.count) == (0, 1)
    assert processes.from_main(lambda: {"a": 1}) == {"a": 1}
    processes.wait()
    processes.leave()


def test_an_error_of_the_main_process_is_raised_in_all(monkeypatch):
    """The second process, given what the first one broadcasts."""
    sent = []
    main, other = Processes(), Processes()
    main.count = other.count = 2
    other.rank = 1

    def fail():
        raise DataError("a: there is no such file or folder")

    def broadcast(told):
        if told[0] is not None:
            sent.append(told[0])
        return [sent[0]]

    monkeypatch.setattr("accelerate.utils.broadcast_object_list", broadcast)
    with pytest.raises(DataError, match="no such file"):
        main.from_main(fail)
    with pytest.raises(DataError, match="no such file"):
        other.from_main(lambda: pytest.fail("only the main process does this"))
    assert json.loads(sent[0])["error"] == "DataError"
    sent.clear()
    assert main.from_main(lambda: [1, "b"]) == other.from_main(fail) == [1, "b"]
