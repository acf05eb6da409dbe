"""Tables of labels: read by their columns, and whatever is wrong with one is named by its line."""

import pytest

from atlas import labels
from atlas.errors import Malformed, TooLarge, Validation
from atlas.labels import Columns


def read(text, **columns):
    return labels.read(text.encode(), columns=Columns(**columns))


@pytest.mark.parametrize(
    ("text", "columns", "of", "names"),
    [
        ("file,index\na,2\nb,0\n", {}, {"a": 2, "b": 0}, ("0", "1", "2")),
        ("file,index,words\na,1,a dog\nb,0,\n", {}, {"a": 1, "b": 0}, ("0", "a dog")),
        ("file,index,class\na,1,dog\nb,0,cat\n", {}, {"a": 1, "b": 0}, ("cat", "dog")),
        ("index,label,file\n1,dog,a\n", {}, {"a": 1}, ("0", "dog")),
        ("file,label\na,dog\nb,cat\nc,dog\n", {}, {"a": 1, "b": 0, "c": 1}, ("cat", "dog")),
        ("file,label\na,3\n", {}, {"a": 3}, ("0", "1", "2", "3")),
        ("\ufefffile , index\r\na , 1\r\n\r\n", {}, {"a": 1}, ("0", "1")),
        ('file,n,synset\n"a,b",0,"tench, Tinca"\n', {"index": "n", "words": "synset"}, {"a,b": 0}, ("tench, Tinca",)),
        ("path,index\na,0\n", {"file": "path"}, {"a": 0}, ("0",)),
    ],
)
def test_the_columns_say_what_is_what(text, columns, of, names):
    found = read(text, **columns)
    assert (found.of, found.names) == (of, names)


@pytest.mark.parametrize(
    ("text", "columns", "faults"),
    [
        ("", {}, [("1", "not-a-table")]),
        ("file,index\n", {}, [("1", "not-a-table")]),
        ("name,index\na,0\n", {}, [("1", "no-column")]),
        ("file,number\na,0\n", {}, [("1", "no-column")]),
        ("file,index\na,0\n", {"words": "synset"}, [("1", "no-column")]),
        ("file,index\na,0,1\nb\n", {}, [("2", "not-a-table"), ("3", "not-a-table")]),
        ("file,index\n,0\na,\nb,1\n", {}, [("2", "required"), ("3", "required")]),
        ("file,index\na,0\nb,1\na,1\n", {}, [("4", "repeated")]),
        ("file,index,words\na,0,cat\nb,0,dog\n", {}, [("3", "renamed")]),
        ("file,index\na,100000\n", {}, [("2", "out-of-range")]),
        ("file,index\na,-1\nb,2\n", {}, [("2", "not-alike")]),
        ("file,index\na,1.5\nb,2\nc,٣\nd,4\n", {}, [("2", "not-alike"), ("4", "not-alike")]),
        ("file,label\na,dog\nb,cat\nc,7\n", {}, [("4", "not-alike")]),
        ("file,label\na,d\u202eog\n", {}, [("2", "bidi-override")]),
    ],
)
def test_every_fault_has_its_line(text, columns, faults):
    with pytest.raises(Validation) as refused:
        read(text, **columns)
    assert [(it["pointer"].removeprefix("/labels/"), it["code"]) for it in refused.value.errors] == faults
    assert all(
        it["detail"].startswith(f"Line {line}: ") for it, (line, _) in zip(refused.value.errors, faults, strict=True)
    )


def test_what_is_no_table_is_refused_whole():
    with pytest.raises(Malformed):
        labels.read(b"\xff\xfefile,index\n")
    with pytest.raises(Malformed):
        read('file,index\n"a,0\n')
    with pytest.raises(TooLarge):
        labels.read(b"x" * (labels.LARGEST + 1))


def test_a_file_is_found_by_its_whole_name_first():
    found = read("file,index\na/x.png,0\nx.png,1\n")
    assert [found.find(name) for name in ("a/x.png", "b/x.png", "x.png", "y.png")] == [
        "a/x.png",
        "x.png",
        "x.png",
        None,
    ]
