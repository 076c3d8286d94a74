import numpy as np
import pytest
from chandra_embed.inference.errors import BundleError
from chandra_embed.inference.text.wordpiece import WordPiece, split_words

# the vocabulary of the tests published with BERT, and pieces of this field
VOCABULARY = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "want", "##want", "##ed", "wa", "un", "runn", "##ing", ","),
    *("low", "lowest", "x", "-", "ray", "##ray", "ch", "##and", "##ra", "chandra", "a", "##a", "中", "."),
]
PIECES = WordPiece(VOCABULARY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\r\n \u00a0\u3000", []),
        # the published tests of the basic tokenizer
        (" \tHeLLo!how  \n Are yoU?  ", ["hello", "!", "how", "are", "you", "?"]),
        ("H\u00e9llo", ["hello"]),
        ("ah\u535a\u63a8zz", ["ah", "\u535a", "\u63a8", "zz"]),
        # the rest by the published rules
        ("UNwant\u00e9d,running", ["unwanted", ",", "running"]),
        ("X-ray (0.5-7.0 keV)", ["x", "-", "ray", "(", "0", ".", "5", "-", "7", ".", "0", "kev", ")"]),
        ("L_X = 10^38 $\\sim$ `a`", [*"l_x=", "10", "^", "38", *"$\\", "sim", "$", "`", "a", "`"]),
        ("\u201cquoted\u201d \u2014 dash\u2026", ["\u201c", "quoted", "\u201d", "\u2014", "dash", "\u2026"]),
        ("a\u0000b\ufffdc\u200bd\u0007e", ["abcde"]),  # control and format signs vanish
        ("a\u00adb", ["ab"]),  # soft hyphen
        ("one\u2028two\u2003three", ["one", "two", "three"]),
        ("\uff21\u00b1\u20ac", ["\uff41\u00b1\u20ac"]),  # symbols are no punctuation
        ("[CLS]", ["[", "cls", "]"]),
        ("Магелланово \u03a3ή", ["магелланово", "\u03c3η"]),
        ("\ud55c", [*["\u1112\u1161\u11ab"]]),  # NFD leaves the parts of a Hangul syllable together
        ("\u0130O", ["io"]),
    ],
)
def test_words_of_the_basic_tokenizer(text, expected):
    assert split_words(text) == expected


def test_a_cased_model_keeps_case_and_accents():
    assert split_words(" \tHeLLo!how  \n Are yoU?  ", False) == ["HeLLo", "!", "how", "Are", "yoU", "?"]
    assert split_words("H\u00e9llo", False) == ["H\u00e9llo"]
    assert WordPiece(VOCABULARY, lowercase=False).pieces("Want want") == ["[UNK]", "want"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        # the published tests of WordPiece
        ("unwanted running", ["un", "##want", "##ed", "runn", "##ing"]),
        ("unwantedX running", ["[UNK]", "runn", "##ing"]),
        ("UNwant\u00e9d,running", ["un", "##want", "##ed", ",", "runn", "##ing"]),
        # the longest first: no way back, so a word that another split would cover is unknown
        ("lowest low lowes", ["lowest", "low", "[UNK]"]),
        ("chandra chand", ["chandra", "ch", "##and"]),
        ("X-rays", ["x", "-", "[UNK]"]),
        ("xray", ["x", "##ray"]),
        ("中中", ["中", "中"]),
        # a word of 100 characters is split, a longer one is not
        ("a" * 100, ["a", *["##a"] * 99]),
        ("a" * 101, ["[UNK]"]),
    ],
)
def test_pieces(text, expected):
    assert PIECES.pieces(text) == expected


def test_numbers_and_mask():
    numbers, mask = PIECES.encode(["unwanted running", "", "zzz", "a"])
    at = VOCABULARY.index
    assert numbers.dtype == mask.dtype == np.int64
    assert numbers.tolist() == [
        [2, at("un"), at("##want"), at("##ed"), at("runn"), at("##ing"), 3],
        [2, 3, 0, 0, 0, 0, 0],
        [2, 1, 3, 0, 0, 0, 0],
        [2, at("a"), 3, 0, 0, 0, 0],
    ]
    assert mask.tolist() == [[1] * 7, [1, 1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0]]


def test_long_texts_are_cut_and_keep_both_ends():
    numbers, mask = WordPiece(VOCABULARY, max_length=5).encode(["low " * 3, "low " * 4])
    low = VOCABULARY.index("low")
    assert numbers.tolist() == [[2, low, low, low, 3]] * 2
    assert mask.all()
    assert PIECES.encode(["low " * 600])[0].shape == (1, 512)


def test_no_texts():
    numbers, mask = PIECES.encode([])
    assert numbers.shape == mask.shape == (0, 0)


def test_vocab_txt_is_read_by_lines_alone(tmp_path):
    path = tmp_path / "vocab.txt"
    pieces = [*VOCABULARY, "\u2028", "\u0085", "é"]
    path.write_bytes(("\r\n".join(pieces) + "\r\n").encode())
    assert WordPiece.load(path).encode(["low"])[0].tolist() == [[2, VOCABULARY.index("low"), 3]]
    path.write_bytes(("\n".join(pieces)).encode())
    assert WordPiece.load(path, lowercase=False).encode(["é"])[0].tolist() == [[2, len(VOCABULARY) + 2, 3]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"low\n[PAD]\n", "no .UNK. and no .CLS. and no .SEP. in the vocabulary"),
        (b"\xff\xfe", "can't decode"),
        (None, "No such file"),
    ],
)
def test_no_vocabulary_is_refused_by_name(tmp_path, content, said):
    path = tmp_path / "vocab.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BundleError, match=said) as caught:
        WordPiece.load(path)
    assert str(path) in str(caught.value)


def test_room_for_one_piece_at_least():
    with pytest.raises(ValueError, match="max_length 2: give at least 3"):
        WordPiece(VOCABULARY, max_length=2)
