"""Makes the two small models beside this file, and what PyTorch computes with them.

    python make.py        # torch 2.15, transformers 5.23, safetensors

Weights are random, and larger than fresh ones, so that attention matters. The bfloat16 model is loaded again from its folder
in float32 before anything is computed, so its rotary frequencies are the exact ones.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

HERE = pathlib.Path(__file__).parent


def make(name, dtype, shard, old_layout, **sizes):
    torch.manual_seed(20)
    folder = HERE / name
    config = Qwen2Config(vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
                         num_key_value_heads=2, max_position_embeddings=256, eos_token_id=[46, 47],
                         use_sliding_window=False, **sizes)
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p) * 0.3)
    model.to(dtype).save_pretrained(folder, max_shard_size=shard)
    if old_layout:  # config.json as published with Qwen2.5
        path = folder / "config.json"
        entries = json.loads(path.read_text())
        entries["rope_theta"] = entries.pop("rope_parameters")["rope_theta"]
        entries["torch_dtype"] = entries.pop("dtype")
        entries.pop("layer_types")
        path.write_text(json.dumps(entries, indent=2) + "\n")

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.randint(0, 46, (2, 90))
    with torch.no_grad():
        logits = model(ids).logits
        greedy = model.generate(ids[:, :13], attention_mask=torch.ones_like(ids[:, :13]), max_new_tokens=20, do_sample=False,
                                eos_token_id=None, pad_token_id=0)[:, 13:]
    logprobs = logits.log_softmax(-1)[:, :-1].gather(-1, ids[:, 1:, None])[..., 0]
    branches = torch.stack([ids[1, 20:28], ids[1, 30:38]])
    with torch.no_grad():
        rows = torch.cat([ids[:1, :13].expand(2, -1), branches], 1)
        tree = model(rows).logits.log_softmax(-1)[:, 12:-1].gather(-1, branches[..., None])[..., 0]
    golden = {"input_ids": ids, "logits": logits, "logprobs": logprobs, "greedy": greedy, "tree_prefix": ids[0, :13],
              "tree_branches": branches, "tree_branch_logprobs": tree}
    save_file({k: v.clone() for k, v in golden.items()}, folder / "golden.safetensors")


make("qwen2-tied", torch.float32, "1GB", False, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
make("qwen2-untied-bf16-sharded", torch.bfloat16, "6KB", True, tie_word_embeddings=False,
     rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})
