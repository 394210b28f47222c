"""Writes a llama model of random weights that llama.cpp loads (GGUF version 3, 16-bit floats); equal for equal seeds.

make_gguf.py FILE SEED WIDTH LAYERS INNER
"""
import random
import struct
import sys

U32, I32, F32, TEXT, ARRAY = 4, 5, 6, 8, 9   # types of metadata values
FLOATS, HALVES = 0, 1                        # types of tensors
ALIGNMENT = 32
PIECE = 16 << 20
# The upper byte of a half: a sign and one of four sizes around 2^-7, so that sums stay finite.
HIGH = bytes(0x20 | byte & 0x83 for byte in range(256))

path, seed, width, layers, inner = sys.argv[1], *map(int, sys.argv[2:])
tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581",
          *map(chr, range(ord("a"), ord("z") + 1))]


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def entry(key, kind, value):
    return text(key) + struct.pack("<I", kind) + value


def number(key, value):
    return entry(key, *((F32, struct.pack("<f", value)) if isinstance(value, float) else
                        (U32, struct.pack("<I", value))))


def array(key, kind, values):
    packed = (b"".join(map(text, values)) if kind == TEXT
              else struct.pack(f"<{len(values)}{'f' if kind == F32 else 'i'}", *values))
    return entry(key, ARRAY, struct.pack("<IQ", kind, len(values)) + packed)


metadata = [
    entry("general.architecture", TEXT, text("llama")),
    number("general.file_type", 1),
    number("llama.context_length", 512),
    number("llama.embedding_length", width),
    number("llama.block_count", layers),
    number("llama.feed_forward_length", inner),
    number("llama.attention.head_count", width // 64),
    number("llama.attention.head_count_kv", width // 64),
    number("llama.rope.dimension_count", 64),
    number("llama.attention.layer_norm_rms_epsilon", 1e-5),
    number("llama.vocab_size", len(tokens)),
    entry("tokenizer.ggml.model", TEXT, text("llama")),
    array("tokenizer.ggml.tokens", TEXT, tokens),
    array("tokenizer.ggml.scores", F32, [0.0] * len(tokens)),
    array("tokenizer.ggml.token_type", I32, [2, 3, 3] + [6] * 256 + [1] * 27),
    number("tokenizer.ggml.bos_token_id", 1),
    number("tokenizer.ggml.eos_token_id", 2),
    number("tokenizer.ggml.unknown_token_id", 0),
]
tensors = [("token_embd.weight", (width, len(tokens))), ("output_norm.weight", (width,)),
           ("output.weight", (width, len(tokens)))]
for layer in range(layers):
    tensors += [(f"blk.{layer}.{name}.weight", shape) for name, shape in [
        ("attn_norm", (width,)), ("attn_q", (width, width)), ("attn_k", (width, width)), ("attn_v", (width, width)),
        ("attn_output", (width, width)), ("ffn_norm", (width,)), ("ffn_gate", (width, inner)),
        ("ffn_up", (width, inner)), ("ffn_down", (inner, width))]]


def size_of(shape):
    return shape[0] * 4 if len(shape) == 1 else shape[0] * shape[1] * 2


places, offset = b"", 0
for name, shape in tensors:
    places += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, FLOATS if len(shape) == 1 else HALVES,
                                       offset)
    offset += -(-size_of(shape) // ALIGNMENT) * ALIGNMENT
head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata)) + b"".join(metadata) + places
source = random.Random(seed)
with open(path, "wb") as file:
    file.write(head + bytes(-len(head) % ALIGNMENT))
    for name, shape in tensors:
        left = size_of(shape)
        if len(shape) == 1:
            file.write(struct.pack("<f", 1.0) * shape[0])
        else:
            while left:
                piece = bytearray(source.randbytes(min(left, PIECE)))
                piece[1::2] = piece[1::2].translate(HIGH)
                file.write(piece)
                left -= len(piece)
        file.write(bytes(-size_of(shape) % ALIGNMENT))
