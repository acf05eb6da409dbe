"""Authors are those whose words survive: against a world in which every word says who wrote it, and by laws."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from atlas.authorship import RUN, Edit, Share, shares
from atlas.worddiff import words

PEOPLE = ("ann", "bob", "cy")
people = st.sampled_from(PEOPLE)
text = st.lists(st.sampled_from(["curve", "line", "at", "240", ".", "曲線", "é"]), max_size=9).map(" ".join)
edits = st.builds(lambda who, one, two: Edit(who, {"title": one, "body": two}), people, text, text)
histories = st.lists(edits, min_size=1, max_size=6)


def written(*versions):
    """Edits of a single text."""
    return [Edit(who, {"body": body}) for who, body in versions]


def characters(edits):
    """Each author's characters, in order."""
    return [(share.contributor, share.characters) for share in shares(edits)]


@given(histories)
def test_every_character_of_a_word_is_somebodys(history):
    found = shares(history)
    length = sum(len(word) for body in history[-1].texts.values() for word in words(body))
    assert sum(share.characters for share in found) == length
    assert all(share.of == length and share.characters > 0 for share in found)
    assert len({share.contributor for share in found}) == len(found)


@given(histories)
def test_authors_stand_in_the_order_of_their_characters_and_then_of_their_first_edit(history):
    found = shares(history)
    assert list(found) == sorted(found, key=lambda share: (-share.characters, share.since))
    for share in found:
        assert [edit.contributor for edit in history].index(share.contributor) == share.since - 1


@given(histories, st.data())
def test_a_restored_version_has_the_authors_it_had(history, data):
    restored = data.draw(st.integers(1, len(history)))
    by = data.draw(st.sampled_from([*PEOPLE, "restorer"]))
    again = [*history, Edit(by, history[restored - 1].texts)]
    assert shares(again) == shares(history[:restored])


@given(histories)
def test_whoever_changes_nothing_is_no_author(history):
    assert shares([*history, Edit("idle", history[-1].texts)]) == shares(history)
    spaced = {name: f" {body}  \n" for name, body in history[-1].texts.items()}
    assert shares([*history, Edit("idle", spaced)]) == shares(history)


@given(histories, st.data())
def test_an_author_whose_words_are_all_gone_is_none(history, data):
    ending = [Edit("cleaner", {"title": "", "body": "entirely other words stand here"})]
    assert [share.contributor for share in shares([*history, *ending])] == ["cleaner"]
    assert shares([*history, Edit("cleaner", {"title": "", "body": ""})]) == ()


@given(st.data())
def test_in_a_world_of_unique_words_each_is_its_first_writers(data):
    """The slow truth: passages of words that occur once, in any order, gone, moved between texts and come back."""
    number, first_by, history = count(), {}, []
    for _ in range(data.draw(st.integers(1, 6))):
        who = data.draw(people)
        fresh = [" ".join(f"w{next(number)}" for _ in range(RUN)) for _ in range(data.draw(st.integers(0, 3)))]
        for passage in fresh:
            first_by[passage] = who
        kept = data.draw(st.lists(st.sampled_from(sorted(first_by)), unique=True)) if first_by else []
        chosen = data.draw(st.permutations(sorted({*kept, *fresh})))
        cut = data.draw(st.integers(0, len(chosen)))
        history.append(Edit(who, {"title": " ".join(chosen[:cut]), "body": " ".join(chosen[cut:])}))
        truth = {}
        for passage in chosen:
            letters = len(passage) - passage.count(" ")
            truth[first_by[passage]] = truth.get(first_by[passage], 0) + letters
        assert dict(characters(history)) == truth


def test_who_corrects_a_word_owns_that_word():
    history = written(("ann", "A detector of curvs at 240 degrees"), ("bob", "A detector of curves at 240 degrees"))
    assert characters(history) == [("ann", 23), ("bob", 6)]


def test_a_single_word_comes_back_to_its_writer_among_the_words_it_stood_with():
    history = written(
        ("ann", "it detects dark curves at 240 degrees"),
        ("bob", "it detects bright curves at 240 degrees"),
        ("cy", "it detects dark curves at 240 degrees and nothing more"),
    )
    assert characters(history) == [("ann", 31), ("cy", 14)]


def test_what_several_have_written_comes_back_to_whom_it_came_from_first():
    written_by_bob = [("ann", "one two three four"), ("cy", ""), ("bob", "three"), ("cy", "one two three four five")]
    assert dict(characters(written(*written_by_bob))) == {"ann": 10, "bob": 5, "cy": 4}
    history = written(*written_by_bob, ("cy", ""), ("bob", "zero one two three four"))
    assert characters(history) == [("ann", 15), ("bob", 4)]


def test_moved_words_stay_whose_they_were():
    one, two = "it detects dark curves", "never answers to lines"
    assert characters(written(("ann", f"{one}. {two}"), ("bob", f"{two}. {one}"))) == [("ann", 38)]


def test_marks_and_spaces_make_nobody_an_author():
    assert characters(written(("ann", "curves at 240"), ("bob", "curves, at  240°!"))) == [("ann", 11)]


def test_ties_go_to_whose_first_edit_came_first():
    history = written(("bob", "left over"), ("ann", "here"), ("bob", "here more"))
    assert [share.contributor for share in shares(history)] == ["bob", "ann"]


def test_why_somebody_is_listed():
    history = written(("ann", "it detects curves"), ("bob", "it detects curves well"))
    assert shares(history) == (Share("ann", 15, 19, since=1), Share("bob", 4, 19, since=2))


def test_without_versions_or_words_there_is_no_author():
    assert shares([]) == shares(written(("ann", ""))) == shares(written(("ann", "—!"))) == ()
