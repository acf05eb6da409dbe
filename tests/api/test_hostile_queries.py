"""The hostile query strings, Q01 to Q22, on every route: refused by name, and never taken for something else."""

import itertools
import json

import pytest

from atlas.services import tokens
from tests.api.conftest import Api
from tests.api.routes import ROUTES, allowed, at, every_route
from tests.api.test_matrix import Script

pytestmark = pytest.mark.django_db

UNKNOWN = {
    "Q13": ["author__email__startswith=a", "checkpoint__team__members=1", "team__members__tokens__sha256__gt=0"],
    "Q16": ["colour=red", "limit=3&colour=red", "format=xml", "__class__=1", "%00=1", "%FF=1", "a" * 3000 + "=1"],
    "Q17": ["fields=author.password", "expand=a.b.c.d.e", "include=tokens"],
    "Q19": ["release=../..", "as_of=notadate"],
    "Q20": ["graph_depth=50&fanout=10000", "&".join(f"p{i}=1" for i in range(1_100))],
    "Q22": ["callback=alert", "jsonp=alert"],
}
UNREADABLE = {"Q07": ["%00", "a%00b"], "Q08": ["%FF", "%ED%A0%80", "%EF%BF%BD"], "long": ["a" * 10_000]}
NUMBERS = {
    "limit": ["0", "-1", "abc", "201", "1000000000", "1e2", "１", " 1", "1.0", "", "+1", "0x10"],
    "after": ["-1", "abc", "9" * 24, "1e2", "１", "1.0", "", " 1", "__class__"],
}
# Literal, whatever they mean to a database or to a search.
LITERAL = ["%25' OR 1=1 --", "_", "%25", "%5C", '"', "*", "NEAR(", "AND", "OR OR", ":", "^", "(", "')", "a:b:c", "-"]


@pytest.fixture
def readers(world, operator):
    """Somebody who may read everything, by session and by token."""
    return Api(operator.login), Script(tokens.create(owner=operator.login, name="x", scopes=["read", "admin"])[1])


@every_route
def test_a_parameter_that_is_none_is_refused(route, world, as_alice):
    for query, method in itertools.product(itertools.chain(*UNKNOWN.values()), allowed(route)):
        answer = as_alice.ask(method, f"{at(route, world.places)}?{query}")
        assert answer.status_code == 400, (method, query)
        assert len(answer.content) < 1_000


@every_route
def test_a_parameter_is_given_once_and_is_readable(route, world, readers):
    """Q14 too."""
    for reader, name in itertools.product(readers, ROUTES[route].parameters):
        path = at(route, world.places)
        for value in itertools.chain(*UNREADABLE.values()):
            answer = reader.get(f"{path}?{name}={value}")
            assert answer.status_code == 400, (name, value)
            assert answer.json()["parameter"] == name
        assert reader.get(f"{path}?{name}=1&{name}=1").json()["type"] == "/problems/duplicate-parameter"


@every_route
def test_a_number_is_a_number(route, world, readers):
    """Q02, Q04, Q05."""
    for name in set(NUMBERS) & set(ROUTES[route].parameters):
        for reader, value in itertools.product(readers, NUMBERS[name]):
            answer = reader.get(f"{at(route, world.places)}?{name}={value}")
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-parameter"), (name, value)


def items(answer):
    """What a list holds; of a file, its lines below the header, and of coefficients those that are any."""
    if answer["Content-Type"] == "application/json":
        found = json.loads(answer.content)
        listed = next((found[name] for name in ("items", "candidates") if name in found), None)
        return [found["raw"]] * found["raw"]["items"] if listed is None else listed
    return answer.content.splitlines()[answer["Content-Type"] == "text/csv" :]


@every_route
def test_a_word_is_meant_literally(route, world, readers):
    """Q10, Q11: never more than what is called so; where it is one of a few words, all others are refused."""
    texts = [
        name for name, it in ROUTES[route].parameters.items() if it.schema["type"] == "string" and name != "cursor"
    ]
    for name, value in itertools.product(texts, LITERAL):
        answer = readers[0].get(f"{at(route, world.places)}?{name}={value}")
        if answer.status_code == 200:
            assert items(answer) == [], (name, value)
        else:
            assert answer.status_code == 400, (name, value)
            assert answer.json()["type"] in ("/problems/bad-parameter", "/problems/malformed-query"), (name, value)


@every_route
def test_a_cursor_is_of_this_very_list(route, world, readers):
    """Q01: `test_lists` tries those of other lists as well."""
    if "cursor" not in ROUTES[route].parameters:
        return
    path = at(route, world.places)
    found = readers[0].get(f"{path}?limit=1").json()["next"] or ""
    real = found.partition("cursor=")[2]
    forged = ["garbage", "a:b:c", "x" * 200, "%2B", "e30:1:x", "WyIiLDFd:1w0000:AAAA"]
    forged += [real[:-1], real[1:], real[:-1] + ("A" if real[-1] != "A" else "B")] if real else []
    for reader, cursor in itertools.product(readers, forged):
        answer = reader.get(f"{path}?cursor={cursor}")
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-cursor"), cursor
