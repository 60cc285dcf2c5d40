"""The four networks in PyTorch, written as functions of the weights that the Rust program named and drew.

Each function takes the weights `w` and the inputs `x` (tensors by name) and gives the loss of one step. The Rust files of
the same names hold the other halves.
"""

import math

import torch
import torch.nn.functional as F


def conv2d(w, name, x, stride=1):
    weight = w[name + ".weight"]
    return F.conv2d(x, weight, w[name + ".bias"], stride=stride, padding=weight.shape[-1] // 2)


def linear(w, name, x):
    return F.linear(x, w[name + ".weight"], w[name + ".bias"])


def edsr(w, x):
    first = conv2d(w, "head", x["low"])
    y = first
    for i in range(6):
        y = y + conv2d(w, f"body.{i}.conv2", F.relu(conv2d(w, f"body.{i}.conv1", y)))
    y = conv2d(w, "tail", first + conv2d(w, "body_end", y))
    return F.l1_loss(F.pixel_shuffle(y, 5), x["high"])


def group_norm(w, name, x):
    return F.group_norm(x, 8, w[name + ".weight"], w[name + ".bias"], 1e-5)


def residual(w, name, x, told):
    """Group norm, SiLU, convolution, twice; each channel scaled and shifted after the second norm."""
    y = conv2d(w, name + ".conv1", F.silu(group_norm(w, name + ".norm1", x)))
    scale, shift = linear(w, name + ".embedding", F.silu(told))[:, :, None, None].chunk(2, 1)
    y = group_norm(w, name + ".norm2", y) * (scale + 1) + shift
    y = conv2d(w, name + ".conv2", F.silu(y))
    return (conv2d(w, name + ".shortcut", x) if name + ".shortcut.weight" in w else x) + y


def attention(w, name, x):
    b, c, height, width = x.shape
    pixels = group_norm(w, name + ".norm", x).flatten(2).transpose(1, 2)
    q, k, v = (linear(w, f"{name}.{part}", pixels).view(b, -1, c // 32, 32).transpose(1, 2) for part in ("query", "key", "value"))
    y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, -1, c)
    return x + linear(w, name + ".out", y).transpose(1, 2).reshape(b, c, height, width)


def unet(w, x):
    frequencies = torch.exp(-math.log(10_000.0) * torch.arange(16) / 16)
    angles = x["time"][:, None] * frequencies
    waves = torch.cat([angles.cos(), angles.sin()], 1)
    told = linear(w, "unet.time.linear2", F.silu(linear(w, "unet.time.linear1", waves)))

    def block(y, name):
        y = residual(w, name, y, told)
        return attention(w, name + ".mixer", y) if name + ".mixer.norm.weight" in w else y

    y = conv2d(w, "unet.stem", x["noisy"])
    skips = [y]
    for level in range(3):
        y = block(y, f"unet.down.{level}.0")
        skips.append(y)
        if level < 2:
            y = conv2d(w, f"unet.down.{level}.resize", y, stride=2)
            skips.append(y)
    y = attention(w, "unet.middle.mixer", residual(w, "unet.middle.0", y, told))
    y = residual(w, "unet.middle.1", y, told)
    for level in reversed(range(3)):
        for i in range(2):
            y = block(torch.cat([y, skips.pop()], 1), f"unet.up.{level}.{i}")
        if level > 0:
            y = conv2d(w, f"unet.up.{level}.resize", F.interpolate(y, scale_factor=2, mode="nearest"))
    return F.mse_loss(conv2d(w, "head.conv", F.silu(group_norm(w, "head.norm", y))), x["noise"])


def conv3d(w, name, x):
    return F.conv3d(x, w[name + ".weight"], w[name + ".bias"], padding=1)


def residual3d(w, x):
    y = conv3d(w, "head", x["clip"])
    for i in range(3):
        inner = F.leaky_relu(conv3d(w, f"body.{i}.conv1", F.leaky_relu(y, 0.1)), 0.1)
        y = y + conv3d(w, f"body.{i}.conv2", inner)
    return F.mse_loss(conv3d(w, "tail", y), x["target"])


def critic(w, x):
    for i in range(3):
        x = F.leaky_relu(conv2d(w, f"critic.{i}", x, stride=2 if i < 2 else 1), 0.2)
    return conv2d(w, "critic.3", x)


def wgan_gp(w, x):
    share = x["share"][:, None, None, None]
    between = (share * x["real"] + (1 - share) * x["fake"]).requires_grad_()
    gradient = torch.autograd.grad(critic(w, between).sum(), between, create_graph=True)[0]
    lengths = (gradient.square().flatten(1).sum(1) + 1e-12).sqrt()
    penalty = (lengths - 1).square().mean()
    return critic(w, x["fake"]).mean() - critic(w, x["real"]).mean() + 10 * penalty


NETWORKS = {"edsr": edsr, "unet": unet, "residual3d": residual3d, "wgan_gp": wgan_gp}
