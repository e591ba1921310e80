"""Writes the golden files of this folder with the reference: pip install tokenizers==0.23.3, then
python reference.py [a vocab.txt of bert-base-uncased]

small/tokenizer.json and cased/vocab.txt are vocabularies trained here. classes.json says what becomes of every character
between two letters; it is run-length encoded. bert-uncased.jsonl holds ids by the vocabulary of bert-base-uncased, which
is not in this folder.
"""
import json, random, pathlib, sys
from tokenizers import Tokenizer, BertWordPieceTokenizer, models, normalizers, pre_tokenizers, processors, trainers

here = pathlib.Path(__file__).parent
TEXTS = [
    "Who is the boss of Ambergate?", "\"Ghent\"\nGhent (Dutch: Gent) is a city in East Flanders, founded c. 650.", "query: who wrote it?",
    "café CAFÉ cafe\u0301 ÜBER u\u0308ber naïve Ångström Straße İstanbul ΣΊΣΥΦΟΣ ŁÓDŹ", "don't we'll it's $5.00 100% a+b=c ^_^ `x` ~y~ a|b <tag>",
    "a\u00a0b\u3000c\u0085d\u2028e\x1cf", "  two  spaces \t\n x \r\n", "", " ", "\x00\x01\x7f\ufffd", "日本語とかな 中文字符 한국어", "हिन्दी ไทย עברית العربية",
    "👩‍👩‍👧‍👦 🇩🇪 ❤️ 𝒳𝟘", "“quoted” — dash… ¿Qué? ¡Sí! «x» 5′ 6″ a·b x•y", "x" * 100, "x" * 101, "é" * 100, "é" * 101, "the" * 40, "e\u0301" * 101,
    "z" + "\u0301\u0323" * 40, "soft\u00adhyphen zero\u200bwidth joiner\u200dx bom\ufeff", "½ Ⅷ ٣ ² ₂ №", "ﬁ ﬂ ß ẞ ſ K", "Ünïcödé\u0345", "a\ud7a3b\ue000c",
    "## ##ing un##ing #hash", "word##s [ ] _under_score camelCase", "3.14159 1,234,567 2024-11-25", "\u212b \u2126 \u1e69 \u0958",
]
ALPHABET = list("abtheSRLVDM   \n\t'''.,!?#<>|()0159-") + list("éßſİǅʰ\u0301\u0323\u0308ªº²½٣Ⅷ\u00a0\u2003\u3000\u0085\u200b\u200d\ufeff\ufffd日か각€𝒳😀“”…—Σς") + [
    "the ", " city", "Ghent", "founded", "ing "]


def texts(seed):
    rng = random.Random(seed)
    return TEXTS + ["".join(rng.choices(ALPHABET, k=rng.randint(1, 40))) for _ in range(300)]


def golden(tokenizer, name, seed):
    with open(here / name, "w") as out:
        for text in texts(seed):
            out.write(json.dumps({"text": text, "ids": tokenizer.encode(text).ids}, ensure_ascii=True, separators=(",", ":")) + "\n")


def bert(vocab, lower):
    t = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=lower)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if vocab:
        t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[(s, vocab[s]) for s in ("[CLS]", "[SEP]")])
    return t


SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def trained(lower):
    t = bert({}, lower)
    t.train_from_iterator(TEXTS * 30 + texts(1), trainers.WordPieceTrainer(vocab_size=600, special_tokens=SPECIAL, show_progress=False))
    return bert(t.get_vocab(), lower)


(here / "small").mkdir(exist_ok=True)
(here / "cased").mkdir(exist_ok=True)
small, cased = trained(True), trained(False)
(here / "small" / "tokenizer.json").write_text(small.to_str())
vocab = cased.get_vocab()
(here / "cased" / "vocab.txt").write_text("".join(w + "\n" for w in sorted(vocab, key=vocab.get)))
(here / "cased" / "tokenizer_config.json").write_text('{"do_lower_case": false}\n')
golden(small, "small/golden.jsonl", 2)
golden(cased, "cased/golden.jsonl", 3)

letters = bert({w: i for i, w in enumerate(SPECIAL + ["a", "b", "##b"])}, True)
runs, last = [], None
for c in [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]:
    ids = letters.encode("a" + chr(c) + "b").ids[1:-1]
    if ids != last:
        runs.append([c, ids])
        last = ids
(here / "classes.json").write_text(json.dumps(runs, separators=(",", ":")) + "\n")

if len(sys.argv) > 1:
    golden(BertWordPieceTokenizer(sys.argv[1], lowercase=True), "bert-uncased.jsonl", 4)
