"""Child processes give the bits of their parent and finish, whatever the parent's threads were doing."""

import multiprocessing
import os
import select
import signal
import threading

import numpy as np
import pytest
from ferroshap import TreeExplainer

FORK, SPAWN = multiprocessing.get_context("fork"), multiprocessing.get_context("spawn")
PATIENCE = 60  # seconds; a child that waits for threads which only its parent has would wait for ever
THREADS = (1, 2, 3)

# From 3.12 on Python warns of what is tested here: a fork of a process that has threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def in_child(context, work, *arguments, patience=PATIENCE):
    """What `work` returns in a child process."""
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=answer, args=(send, work, *arguments))
    child.start()
    send.close()
    try:
        assert receive.poll(patience), "the child hangs"
        returned = receive.recv()
        child.join(patience)
        assert child.exitcode == 0
        return returned
    finally:
        child.kill()
        child.join()


def answer(send, work, *arguments):
    send.send(work(*arguments))


def explained_anew(model_file, rows, threads):
    return TreeExplainer(model_file, threads=threads).shap_values(rows)


def explained_by_a_child(explainer, rows):
    return in_child(FORK, explainer.shap_values, rows, patience=PATIENCE / 2)


def explained_before_and_by_a_child(explainer, rows):
    return explainer.shap_values(rows), explained_by_a_child(explainer, rows), explainer.shap_values(rows)


@pytest.fixture(params=THREADS)
def used(request, model_file, rows, values):
    """An explainer whose threads have worked in this process, and still do after the test."""
    explainer = TreeExplainer(model_file, threads=request.param)
    np.testing.assert_array_equal(explainer.shap_values(rows), values)
    yield explainer
    np.testing.assert_array_equal(explainer.shap_values(rows), values)


def test_a_forked_child_explains_with_the_explainer_it_was_given(used, rows, values):
    np.testing.assert_array_equal(in_child(FORK, used.shap_values, rows), values)
    np.testing.assert_array_equal(in_child(FORK, used.model.predict, rows), used.model.predict(rows))


def test_a_forked_child_reads_the_model_itself(used, model_file, rows, values):
    for threads in THREADS:
        np.testing.assert_array_equal(in_child(FORK, explained_anew, model_file, rows, threads), values)


def test_a_bare_fork_is_a_child_like_any_other(used, rows, values):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(write, b"equal" if np.array_equal(used.shap_values(rows), values) else b"other")
            code = 0
        finally:
            os._exit(code)
    try:
        os.close(write)
        assert select.select([read], [], [], PATIENCE)[0], "the child hangs"
        assert os.read(read, 5) == b"equal"
    finally:
        os.kill(child, signal.SIGKILL)  # or it is done already
        os.waitpid(child, 0)
        os.close(read)


@pytest.mark.parametrize("threads", THREADS)
def test_a_spawned_child_gives_the_same_bits(model_file, rows, values, threads):
    np.testing.assert_array_equal(in_child(SPAWN, explained_anew, model_file, rows, threads), values)


def test_a_child_of_a_child_gives_the_same_bits(used, rows, values):
    np.testing.assert_array_equal(in_child(FORK, explained_by_a_child, used, rows), values)
    for found in in_child(FORK, explained_before_and_by_a_child, used, rows):
        np.testing.assert_array_equal(found, values)


def test_children_one_after_another_give_the_same_bits(used, rows, values):
    for _ in range(5):
        np.testing.assert_array_equal(in_child(FORK, used.shap_values, rows), values)


def test_children_side_by_side_give_the_same_bits(used, rows, values):
    found = {}
    asking = [
        threading.Thread(target=lambda i=i: found.update({i: in_child(FORK, used.shap_values, rows)})) for i in range(4)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(PATIENCE)
    assert sorted(found) == [0, 1, 2, 3]
    for answered in found.values():
        np.testing.assert_array_equal(answered, values)


def test_a_fork_in_the_middle_of_another_threads_explanation_does_no_harm(used, rows, values):
    many, found = np.tile(rows, (20, 1)), []
    busy = threading.Thread(target=lambda: found.append(used.shap_values(many)))
    busy.start()
    children = 0
    while busy.is_alive():
        np.testing.assert_array_equal(in_child(FORK, used.shap_values, rows), values)
        children += 1
    assert children
    np.testing.assert_array_equal(found[0], np.tile(values, (20, 1)))


def test_a_fork_in_progress_does_no_harm(model_file, rows, values):
    explainer, found = TreeExplainer(model_file, threads=2), []

    def fork(done, total):
        if not found:
            found.append(in_child(FORK, explainer.shap_values, rows))

    many = np.tile(rows, (20, 1))
    loud = TreeExplainer(model_file, threads=2, progress=fork)
    np.testing.assert_array_equal(loud.shap_values(many), np.tile(values, (20, 1)))
    np.testing.assert_array_equal(found[0], values)
