// Package checkpoint reads and writes model folders in Hugging Face's layout: config.json and safetensors files, for the
// Qwen2 family ("Qwen2ForCausalLM").
//
// [Load] takes any [io/fs.FS] with these files at its root, a folder on disk (os.DirFS) as well as an embedded one:
//
//	config.json                    the architecture; rope_theta at the top level, or in rope_parameters (transformers 5)
//	generation_config.json         optional; its eos_token_id goes before the one in config.json
//	model.safetensors              the weights, F32, BF16 or F16, or else
//	model.safetensors.index.json   the names of the shards that hold them
//
// Nothing in a folder is believed unchecked: every tensor must be there, with the shape that the configuration implies, and
// finite; a tensor that the model does not have is an error (but for the rotary tables of old checkpoints, and an
// output head stored beside tied embeddings); shards lie in the folder itself.
//
// [Save] writes float32 folders that transformers loads, and never leaves a torn file behind.
//
// # The parameters
//
// D = HiddenSize, F = IntermediateSize, V = VocabSize, H, K = Heads, KVHeads, d = HeadDim. Matrices are [out, in], as in
// PyTorch: y = W·x + b.
//
//	model.embed_tokens.weight                                 [V, D]
//	model.layers.N.input_layernorm.weight                     [D]
//	model.layers.N.self_attn.q_proj.weight, .bias             [H·d, D], [H·d]
//	model.layers.N.self_attn.{k,v}_proj.weight, .bias         [K·d, D], [K·d]
//	model.layers.N.self_attn.o_proj.weight                    [D, H·d]
//	model.layers.N.post_attention_layernorm.weight            [D]
//	model.layers.N.mlp.{gate,up}_proj.weight                  [F, D]
//	model.layers.N.mlp.down_proj.weight                       [D, F]
//	model.norm.weight                                         [D]
//	lm_head.weight                                            [V, D], absent when TieEmbeddings
package checkpoint
