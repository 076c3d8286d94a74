import json

import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.text.table import read_texts

ROWS = [
    {"name": "2CXO J1", "text": 'A low-mass "X-ray" binary,\nnearby', "plain": "A nearby", "split": "train"},
    {"name": "2CXO J2", "text": "Étoile \u2028 jeune", "plain": "", "split": "test"},
    {"name": "2CXO J1", "text": "", "plain": "", "split": "validation"},
]
AS_CSV = (
    "\ufeffname,text,plain,split\r\n"
    '2CXO J1,"A low-mass ""X-ray"" binary,\nnearby",A nearby,train\r\n'
    "2CXO J2,Étoile \u2028 jeune,,test\r\n\r\n"
    "2CXO J1,,,validation\r\n"
)


def write(tmp_path, content, name="texts"):
    path = tmp_path / name
    if isinstance(content, list):
        content = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in content) + "\n"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("content", [ROWS, AS_CSV], ids=["JSON lines", "CSV"])
def test_texts_in_the_order_of_the_file(tmp_path, content):
    read = read_texts(write(tmp_path, content))
    assert len(read) == 3
    assert read.key == "name"
    assert read.keys.tolist() == [row["name"] for row in ROWS]
    assert read.texts == tuple(row["text"] for row in ROWS)
    assert read.plain == tuple(row["plain"] for row in ROWS)
    assert read.splits.tolist() == [row["split"] for row in ROWS]
    assert read.semi_simulated is False


def test_only_what_is_needed(tmp_path):
    read = read_texts(write(tmp_path, "text,name\na,b\n"))
    assert (read.texts, read.keys.tolist(), read.plain, read.splits) == (("a",), ["b"], None, None)
    assert read_texts(write(tmp_path, "text,name\na, b \n")).keys.tolist() == ["b"]


def test_the_file_of_a_detection_wins_over_its_name(tmp_path):
    rows = [{"file": "a.pha", "name": "A", "source_id": "A", "text": "t", "semi_simulated": True}]
    read = read_texts(write(tmp_path, [{"format": "chandra-embed/texts", "format_version": 1}, "", *rows]))
    assert (read.key, read.keys.tolist(), len(read)) == ("file", ["a.pha"], 1)
    assert read.semi_simulated is True


@pytest.mark.parametrize(("value", "said"), [("True", True), ("1", True), ("false", False), ("", False)])
def test_semi_simulated_in_csv(tmp_path, value, said):
    path = write(tmp_path, f"name,text,semi_simulated\na,b,\nc,d,{value}\n")
    assert read_texts(path).semi_simulated is said


def test_title_and_abstract_are_joined(tmp_path):
    rows = [
        {"name": "a", "title": "Title", "abstract": "Words."},
        {"name": "b", "title": "Alone", "abstract": None},
        {"name": "c", "abstract": "Alone"},
        {"name": "d", "title": "Not", "text": "this"},
    ]
    assert read_texts(write(tmp_path, rows)).texts == ("Title. Words.", "Alone", "Alone", "this")


def test_texts_of_nothing_are_read_where_only_words_matter(tmp_path):
    path = write(tmp_path, [{"title": "a", "abstract": "b"}])
    read = read_texts(path, keyed=False)
    assert (read.key, read.keys.tolist(), read.texts) == ("", [""], ("a. b",))
    with pytest.raises(ChandraEmbedError, match="no file or name; say what each text is of"):
        read_texts(path)


def test_a_very_long_text(tmp_path):
    text = "word " * 100_000
    assert read_texts(write(tmp_path, f"name,text\na,{text}\n")).texts == (text,)


GOOD = {"name": "a", "text": "b"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no text"),
        ("name,text\n", "holds no text"),
        (["{", GOOD], "line 1: not JSON"),
        ([GOOD, "[]"], "line 2: not a JSON object"),
        ([GOOD, "", "nonsense"], "line 3: not JSON"),
        ([GOOD, {"text": "b"}], "line 2: name is None"),
        ([GOOD, {"name": " ", "text": "b"}], "line 2: name is ' '"),
        ([GOOD, {"name": 7, "text": "b"}], "line 2: name is 7; give text"),
        ([GOOD, {"name": "a", "text": None}], "line 2: text is None"),
        ([GOOD, {"name": "a", "text": ["b"]}], "line 2: text is"),
        ([GOOD, {"name": "a"}], "line 2: no text, and no title or abstract"),
        ([{**GOOD, "split": "train"}, GOOD], "line 2: split is None; give text, as on the other lines"),
        ([{**GOOD, "split": "training"}], "line 1: split 'training'; give train, validation, test"),
        ([{**GOOD, "plain": "b"}, GOOD], "line 2: plain is None"),
        ([{**GOOD, "semi_simulated": "perhaps"}], "line 1: semi_simulated is 'perhaps'"),
        ([{**GOOD, "semi_simulated": True}, {**GOOD, "semi_simulated": 3}], "line 2: semi_simulated is 3"),
        ([{"format": "chandra-embed/spectra"}], "line 1: format 'chandra-embed/spectra'"),
        ([{"format": "chandra-embed/texts", "format_version": 2}, GOOD], "upgrade chandra-embed"),
        ("name,text\na,b\na,b,c\n", "line 3: 3 fields, the first line has 2; put quotes"),
        ("name,text\na\n", "line 2: 1 fields"),
        ('name,text\na,"b\n', "line 3: not CSV"),
        ("name,name,text\na,b,c\n", "a column stands twice"),
        ("label,text\na,b\n", "no file or name"),
        ([{"text": "a"}, {"name": "b", "text": "c"}], "line 1: no file or name; say what each text is of"),
        ("name,words\na,b\n", "line 2: no text"),
        (b"name,text\na,\xe9toile\n", "is not UTF-8"),
    ],
)
def test_one_clear_line_for_each_fault(tmp_path, content, said):
    path = write(tmp_path, content, "faulty")
    with pytest.raises(ChandraEmbedError, match=said) as caught:
        read_texts(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ChandraEmbedError, match=r"none\.csv: cannot be read \(No such file"):
        read_texts(tmp_path / "none.csv")


@pytest.mark.real
def test_real_abstracts(chandra_data):
    read = read_texts(chandra_data / "texts" / "arxiv_xray_abstracts.jsonl", keyed=False)
    assert len(read) == 203
    assert min(map(len, read.texts)) > 100
