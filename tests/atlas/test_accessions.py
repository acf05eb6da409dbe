"""Accessions: what is miswritten is noticed, whatever the slip."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from atlas import accessions
from atlas.accessions import ALPHABET, LENGTH

valid = st.builds(
    lambda letter, body: letter + body + accessions.check(letter + body),
    st.sampled_from("DKECS"),
    st.text(ALPHABET, min_size=LENGTH - 2, max_size=LENGTH - 2),
)


@given(valid)
def test_every_single_wrong_character_is_noticed(accession):
    for place, letter in itertools.product(range(LENGTH), ALPHABET):
        changed = accession[:place] + letter + accession[place + 1 :]
        assert accessions.is_valid(changed) == (changed == accession)


@given(valid)
def test_every_exchange_of_two_characters_is_noticed(accession):
    for first, second in itertools.combinations(range(LENGTH), 2):
        letters = list(accession)
        letters[first], letters[second] = letters[second], letters[first]
        changed = "".join(letters)
        assert accessions.is_valid(changed) == (changed == accession)


@given(valid)
def test_a_slip_finds_its_way_back(accession):
    letter = ALPHABET[(ALPHABET.index(accession[4]) + 1) % 32]
    assert accession in set(accessions.neighbours(accession[:4] + letter + accession[5:]))
    exchanged = accession[:2] + accession[3] + accession[2] + accession[4:]
    if exchanged != accession:
        assert accession in set(accessions.neighbours(exchanged))


def test_new_ones_are_valid_and_differ():
    made = {accessions.make("D") for _ in range(1000)}
    assert len(made) == 1000
    assert all(accessions.is_valid(one) and one[0] == "D" for one in made)


def test_they_are_read_as_people_write_them():
    accession = next(one for one in map(accessions.make, itertools.repeat("D")) if "0" in one and "1" in one)
    assert accessions.read(f" {accession.lower()} ") == accession
    assert accessions.read(accession.replace("0", "o").replace("1", "l")) == accession
    assert not accessions.is_valid("")
    assert not accessions.is_valid("DÄÖÜ123456")


def test_the_weights_of_all_places_differ():
    # The guarantee rests on this: ten places, ten different powers of a primitive element.
    weights = {accessions._sum("0" * place + "1" + "0" * (LENGTH - 1 - place)) for place in range(LENGTH)}
    assert len(weights) == LENGTH
    assert 0 not in weights
