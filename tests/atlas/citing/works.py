"""Works to cite, and everything a name or a title can do to a bibliography."""

from datetime import date

from hypothesis import strategies as st

from atlas.citing.facts import Around, Author, Item, Kind, Work
from atlas.citing.names import Name

HOSTILE = (
    'Car & 50% of {é 曲} $x_1$ #~^\\ "q" <b>|</b> `t\u00b4 and others\r\nER  - \r\nTY  - JOUR\u202e\x00\u2028'
    "@misc{x, } \\url{"
)
FULL = Work(
    kind=Kind.FOOTHOLD,
    name="F7K3Q9XD2M",
    title="Car detector: InceptionV1 (lucid) mixed4c:447",
    url="https://atlas.example.org/f/F7K3Q9XD2M/v3",
    publisher="atlas.example.org Atlas",
    authors=(
        Author("Ana Rivera", orcid="0000-0002-1825-0097", url="https://atlas.example.org/u/ana"),
        Author("Okafor, Chidi", url="https://atlas.example.org/u/chidi"),
    ),
    issued=date(2026, 10, 3),
    version=3,
    checkpoint_sha256="9c" * 32,
    content_sha256="51" * 32,
    licence="CC-BY-4.0",
    part_of="https://atlas.example.org/c/inceptionv1-lucid/mixed4c/447",
    around=Around(
        items=(Item("https://atlas.example.org/a/abc.png", "image/png"),),
        latest="https://atlas.example.org/f/F7K3Q9XD2M",
        history="https://atlas.example.org/f/F7K3Q9XD2M/history",
    ),
)
BARE = Work(Kind.NEURON, "toy/edges:1", "Neuron edges:1 of toy", "https://h.example/c/toy/edges/1", "h.example Atlas")

TAKEN_APART = {
    "Ana Rivera": Name("Rivera", "Ana"),
    "Rivera, Ana": Name("Rivera", "Ana"),
    "Ana María Rivera": Name("Rivera", "Ana María"),
    "Rivera Cruz, Ana": Name("Rivera Cruz", "Ana"),
    "Rivera y Cruz, Ana": Name("Rivera y Cruz", "Ana"),
    "Plato": Name("Plato"),
    "Ludwig van Beethoven": Name("Beethoven", "Ludwig", "van"),
    "van Beethoven, Ludwig": Name("Beethoven", "Ludwig", "van"),
    "Juan de la Cruz": Name("Cruz", "Juan", "de la"),
    "de la Cruz, Juan": Name("Cruz", "Juan", "de la"),
    "van Gogh": Name("Gogh", "", "van"),
    "bell hooks": Name("hooks", "bell"),
    "e e cummings": Name("cummings", "e e"),
    "Martin Luther King Jr.": Name("King", "Martin Luther", suffix="Jr."),
    "Martin Luther King, Jr.": Name("King", "Martin Luther", suffix="Jr."),
    "King, Jr., Martin Luther": Name("King", "Martin Luther", suffix="Jr."),
    "King, Jr.": Name("King, Jr."),
    "Ernst and Young": Name("Ernst and Young"),
    "a, b, c, d": Name("a, b, c, d"),
    ", Ana": Name(", Ana"),
    "Ludwig v%n {Beethoven": Name("{Beethoven", "Ludwig", "v%n"),
    "曲 線": Name("線", "曲"),
    "": Name(""),
}  # fmt: skip

letters = st.characters() | st.sampled_from("&%_{}$#~^\\\"'`<>|@,;:- \r\n\u2028\x85\x0b\x1c\u202eé曲aAbB")
lines = st.text(letters, max_size=30)
names = st.one_of(
    lines,
    st.lists(st.sampled_from(["Ana", "van", "de", "Cruz", "y", "Jr.", "III", "and", "%", "曲", ",", "{"])).map(
        " ".join
    ),
)
authors = st.lists(st.builds(Author, names, whole=st.booleans()), max_size=5).map(tuple)
works = st.builds(
    Work,
    kind=st.sampled_from(Kind),
    name=lines,
    title=lines,
    url=lines.map(lambda path: f"https://h.example/{path}"),
    publisher=lines,
    authors=authors,
    issued=st.none() | st.dates(min_value=date(1000, 1, 1)),
    version=st.none() | st.integers(1, 99),
    content_sha256=st.sampled_from(["", "51" * 32]),
    licence=st.sampled_from(["", "CC-BY-4.0", "all mine"]),
)
