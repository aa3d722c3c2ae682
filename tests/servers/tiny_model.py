"""A llama model of a few hundred kilobytes with random weights: fluent in nothing, endlessly.

`python tiny_model.py FILE` writes it as GGUF; needs `gguf` and `numpy`. The first dimension of the
residual stream is a constant that the output layer turns into a bonus for words and a penalty for
everything else, so that answers are readable text and never end by themselves.
"""

from __future__ import annotations

import sys

import gguf
import numpy as np

CONTEXT = 32768
WIDTH = 64
HEADS = 4
FEED_FORWARD = 128
LAYERS = 2
WORDS = ("be", "ce", "di", "fo", "gu", "ha", "jo", "ka", "le", "mi", "no", "pu", "qi", "ro", "se")
SPECIAL = ("<unk>", "<s>", "</s>")
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def main(path: str) -> None:
    """Write the model."""
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer)
    vocabulary = _tokenizer(writer)
    for name, tensor in _weights(vocabulary).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter) -> None:
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)


def _tokenizer(writer: gguf.GGUFWriter) -> int:
    """Add a vocabulary that can spell anything in bytes; returns its size."""
    words = [f"▁{word}" for word in WORDS]
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * 256 + [gguf.TokenType.NORMAL] * len(words)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    for number, add in enumerate(
        (writer.add_unk_token_id, writer.add_bos_token_id, writer.add_eos_token_id)
    ):
        add(number)
    writer.add_chat_template(TEMPLATE)
    writer.add_vocab_size(len(tokens))
    return len(tokens)


def _weights(vocabulary: int) -> dict[str, np.ndarray]:
    """Return the tensors, as (rows out, columns in)."""
    chance = np.random.default_rng(0)

    def random(rows: int, columns: int) -> np.ndarray:
        return (chance.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    def into_stream(columns: int) -> np.ndarray:
        matrix = random(WIDTH, columns)
        matrix[0] = 0
        return matrix

    embedding, output = random(vocabulary, WIDTH), random(vocabulary, WIDTH)
    embedding[:, 0] = 4
    output[:, 0] = np.where(np.arange(vocabulary) < vocabulary - len(WORDS), -20, 20)
    ones = np.ones(WIDTH, np.float32)
    weights = {"token_embd.weight": embedding, "output.weight": output, "output_norm.weight": ones}
    for layer in range(LAYERS):
        block = {
            "attn_norm": ones,
            "attn_q": random(WIDTH, WIDTH),
            "attn_k": random(WIDTH, WIDTH),
            "attn_v": random(WIDTH, WIDTH),
            "attn_output": into_stream(WIDTH),
            "ffn_norm": ones,
            "ffn_gate": random(FEED_FORWARD, WIDTH),
            "ffn_up": random(FEED_FORWARD, WIDTH),
            "ffn_down": into_stream(FEED_FORWARD),
        }
        weights |= {f"blk.{layer}.{name}.weight": tensor for name, tensor in block.items()}
    return weights


if __name__ == "__main__":
    main(sys.argv[1])
