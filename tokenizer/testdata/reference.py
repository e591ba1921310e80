"""Writes the golden files of this folder with the reference: pip install tokenizers==0.23.3, then python reference.py

bpe/tokenizer.json is a small BPE trained here; words/tokenizer.json comes from BuildWords (UPDATE=1 go test -run BuildWords).
Each golden line has "ids", the reference's default, and "outside", the ids of the same file without its added tokens.
"""
import json, random, pathlib
from tokenizers import Tokenizer, Regex, models, normalizers, pre_tokenizers, decoders, processors, trainers, AddedToken

here = pathlib.Path(__file__).parent
PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEXTS = [
    "Who is the boss of Ambergate?", "The boss (Ambergate) founded Ambergate in 1987.", "<search>the boss</search>",
    "<search>ing <search >", "<|endoftext|>", "<<search>>", "x<|im_start|>user\nhi<|im_end|>\n", "café cafe\u0301 u\u0308ber über", "s\u0323o \u1e63o \u1e63oso",
    "It's we'RE they'Ve I'LL 'ſo 'ſ I'd'd 'M", "a\u00a0b\u3000c\u0085d\u2028e\x1cf", "  two  spaces \t\n \n\n  x \r\n\r\n", " \n x", "\n\n\n", "tail   ",
    "١٢٣ ½ Ⅷ 三 𝟘", "日本語とかな 中文字符", "हिन्दी ไทย עברית العربية", "👩‍👩‍👧‍👦 🇩🇪 ❤️", "각각각 \u1100\u1161\u11a8", "\u212b \u2126 \ufb01",
    "z" + "\u0301\u0323" * 40, "e" + "\u0302" * 31 + "\u0323x", "\u0301" * 35, "q" + "\u0344" * 20 + "\u0327", "\U000105c0a\U00010d40 \U0002ebf0x\U00016d40",
    "\x00\x01\x7f",
    "m\U000201af\u0323 \U00100061\u0301 \U000f00e9\u0302 a\U00010301 \U0001109b\U000110ba \U0001d157\U0001d165 \u0958\u09c7\u09be", "the" * 60, "a" * 130, "search " * 20, "¿Qué? ¡Sí! — “quoted”… #tag @you $5.00 100%",
]
ALPHABET = list("abtheSRLVDM   \n\r\t'''.,!?<>|()0159") + list("éßſİǅʰ\u0301\u0323\u0308ªº²½٣Ⅷ\u00a0\u2003\u3000\u0085\u200b\u200d\ufeff\ufffd日か각\u1161\u11a8€𝒳😀") + [
    "<search>", "<|endoftext|>", "the", " boss", "\U000105c0", "\U00010d40", "'ll", "'s", "'ſ"]


def texts(seed):
    rng = random.Random(seed)
    return TEXTS + ["".join(rng.choices(ALPHABET, k=rng.randint(1, 24))) for _ in range(400)]


def golden(folder, seed):
    path = here / folder / "tokenizer.json"
    full = Tokenizer.from_file(str(path))
    spec = json.loads(path.read_text())
    spec["added_tokens"] = []
    plain = Tokenizer.from_str(json.dumps(spec))
    with open(here / folder / "golden.jsonl", "w") as out:
        for text in texts(seed):
            ids = full.encode(text).ids
            line = {"text": text, "ids": ids, "outside": plain.encode(text).ids, "decoded": full.decode(ids, skip_special_tokens=False)}
            out.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n")


def train():
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.NFC()
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    t.train_from_iterator(texts(1) + TEXTS * 20, trainers.BpeTrainer(vocab_size=700, initial_alphabet=alphabet, show_progress=False))
    t.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    t.add_tokens([AddedToken("<search>", normalized=False), AddedToken("</search>", normalized=False), AddedToken("s\u0323o", normalized=True)])
    (here / "bpe").mkdir(exist_ok=True)
    (here / "bpe" / "tokenizer.json").write_text(t.to_str())


train()
golden("bpe", 2)
golden("words", 3)
