"""The same models as a good user would write them in plain PyTorch.

What ours are measured against: `nn.LSTM`, a plain ResNet with `nn.BatchNorm2d`, images
as (channels, height, width), nothing of Keras. `benchmarks.plain_weights` gives them
the weights of a Keras model; `tests/test_benchmarks.py` holds that both then give the
same numbers. Add an encoder by a class and a line in `ENCODERS`.
"""

import torch
from torch import nn

# Blocks of each stage, as in `mind_keras.encoders.image`.
BLOCKS = {6: (1, 1), 10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


class Recurrent(nn.Module):
    """The last output of an LSTM or a GRU."""

    def __init__(self, kind, shape, units=64, layers=1):
        super().__init__()
        sizes = [shape[1], *[units] * (layers - 1)]
        stack = [kind(size, units, batch_first=True) for size in sizes]
        self.stack, self.code = nn.ModuleList(stack), units

    def forward(self, x):
        for layer in self.stack:
            x, _ = layer(x)
        return x[:, -1]

    def parts(self, names):
        """Modules that have weights, in the order of the Keras layers `names`."""
        return self.stack


class Transformer(nn.Module):
    """A pre-norm transformer with learned positions; the mean over time."""

    def __init__(self, shape, units=64, layers=2, attention_heads=4):
        super().__init__()
        self.project = nn.Linear(shape[1], units, bias=False)
        self.place = nn.Parameter(torch.randn(shape[0], units) * 0.02)
        options = {"activation": "gelu", "layer_norm_eps": 1e-3, "dropout": 0.0}
        self.stack = nn.ModuleList(
            nn.TransformerEncoderLayer(
                units,
                attention_heads,
                4 * units,
                batch_first=True,
                norm_first=True,
                **options,
            )
            for _ in range(layers)
        )
        self.norm, self.code = nn.LayerNorm(units, eps=1e-3), units

    def forward(self, x):
        x = self.project(x) + self.place
        for layer in self.stack:
            x = layer(x)
        return self.norm(x).mean(1)

    def parts(self, names):
        """As in `Recurrent`; the first has the positions too."""
        inner = ("norm1", "self_attn", "norm2", "linear1", "linear2")
        layers = [getattr(layer, name) for layer in self.stack for name in inner]
        return [self, *layers, self.norm]


class Conv1d(nn.Module):
    """Convolutions along time; the mean over time."""

    def __init__(self, shape, units=64, layers=3, kernel=5):
        super().__init__()
        stack, size = [], shape[1]
        for k in range(layers):
            stack.append(nn.Conv1d(size, units, kernel, padding="same", bias=False))
            stack += [nn.BatchNorm1d(units), nn.ReLU()]
            if k < layers - 1:
                stack.append(nn.MaxPool1d(2))
            size = units
        self.stack, self.code = nn.Sequential(*stack), units

    def forward(self, x):
        return self.stack(x.transpose(1, 2)).mean(2)

    def parts(self, names):
        """As in `Recurrent`."""
        return [part for part in self.stack if list(part.parameters())]


class Perceptron(nn.Module):
    """Dense layers on the flattened row."""

    def __init__(self, shape, units=64, layers=2):
        super().__init__()
        size, stack = torch.Size(shape).numel(), [nn.Flatten()]
        for _ in range(layers):
            stack += [nn.Linear(size, units), nn.ReLU()]
            size = units
        self.stack, self.code = nn.Sequential(*stack), units

    def forward(self, x):
        return self.stack(x)

    def parts(self, names):
        """As in `Recurrent`."""
        return [part for part in self.stack if isinstance(part, nn.Linear)]


class Block(nn.Module):
    """A basic block."""

    def __init__(self, size, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(size, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.short = nn.Identity()
        if stride > 1 or size != channels:
            short = nn.Conv2d(size, channels, 1, stride, bias=False)
            self.short = nn.Sequential(short, nn.BatchNorm2d(channels))

    def forward(self, x):
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.short(x))


class ResNet(nn.Module):
    """A ResNet of basic blocks for images in uint8."""

    def __init__(self, shape, depth=10, width=64, rescale=True):
        super().__init__()
        self.stem = nn.Conv2d(shape[2], width, 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.blocks, size = nn.ModuleDict(), width
        for stage, blocks in enumerate(BLOCKS[depth]):
            for k in range(blocks):
                channels, stride = width * 2**stage, 2 if stage and not k else 1
                name = f"stage{stage + 1}_block{k + 1}"
                self.blocks[name] = Block(size, channels, stride)
                size = channels
        self.pool, self.code = nn.MaxPool2d(3, 2, 1), size

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x.float() / 255)))
        x = self.pool(x)
        for block in self.blocks.values():
            x = block(x)
        return x.mean((2, 3))

    def parts(self, names):
        """As in `Recurrent`; here names say which is which."""
        known = {"stem_conv": self.stem, "stem_norm": self.norm}
        for name, block in self.blocks.items():
            for k in "12":
                known[f"{name}_{k}_conv"] = getattr(block, f"conv{k}")
                known[f"{name}_{k}_norm"] = getattr(block, f"norm{k}")
            if isinstance(block.short, nn.Sequential):
                known[f"{name}_shortcut_conv"] = block.short[0]
                known[f"{name}_shortcut_norm"] = block.short[1]
        return [known[name] for name in names]


def lstm(shape, **options):
    """An encoder of series."""
    return Recurrent(nn.LSTM, shape, **options)


def gru(shape, **options):
    """An encoder of series."""
    return Recurrent(nn.GRU, shape, **options)


ENCODERS = {
    "conv1d": Conv1d,
    "gru": gru,
    "lstm": lstm,
    "mlp": Perceptron,
    "resnet": ResNet,
    "transformer": Transformer,
}


class Student(nn.Module):
    """An encoder and a head per modality, and a head on all codes side by side.

    Args:
        shapes: `{modality: shape of a row}`, as Keras has them.
        encoders: `{modality: {"encoder": name, option: value}}`.
        labels: How many logits each head gives.
    """

    def __init__(self, shapes: dict, encoders: dict, labels: int = 1) -> None:
        super().__init__()
        self.encoders, self.heads = nn.ModuleDict(), nn.ModuleDict()
        for name in sorted(encoders):
            options = dict(encoders[name])
            kind = ENCODERS[options.pop("encoder")]
            self.encoders[name] = kind(shapes[name], **options)
        codes = {name: encoder.code for name, encoder in self.encoders.items()}
        if len(codes) > 1:
            codes["fusion"] = sum(codes.values())
        for head, size in codes.items():
            self.heads[head] = nn.Linear(size, labels)

    def forward(self, x: dict) -> dict:
        codes = {name: encoder(x[name]) for name, encoder in self.encoders.items()}
        if len(codes) > 1:
            codes["fusion"] = torch.cat(list(codes.values()), 1)
        return {head: layer(codes[head]) for head, layer in self.heads.items()}
