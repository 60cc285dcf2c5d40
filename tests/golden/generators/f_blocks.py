"""Recurrent, attending and windowed blocks: parameters under the library's names, outputs and all gradients"""
from common import *
import torch, torch.nn.functional as TF
torch.set_num_threads(1); torch.set_default_dtype(torch.float64)
NOTE = "grad of sum(out * cos(flat index)), by input and by parameter (grad.NAME)"


def T(a): return torch.tensor(np.asarray(a), dtype=torch.float64)
def N(t): return t.detach().numpy()


def scored(out, leaves):
    """out and the gradients of its weighted sum by named leaves"""
    g = torch.cos(torch.arange(out.numel(), dtype=torch.float64)).reshape(out.shape)
    grads = torch.autograd.grad((out * g).sum(), list(leaves.values()))
    return {"out": N(out)} | {f"grad.{name}": N(q) for name, q in zip(leaves, grads)}


def rounded(rng, module):
    """Short random numbers in place of the module's own start, norms and biases too."""
    for p in module.parameters():
        p.data = T(r6(rng.normal(size=p.shape) * .5, 3))


def lstm(F, rng):
    net = torch.nn.LSTM(3, 4, 2, batch_first=True); rounded(rng, net)
    x, h, c = (T(r6(rng.normal(size=s), 3)).requires_grad_() for s in ((2, 5, 3), (2, 2, 4), (2, 2, 4)))
    names = {f"lstm.{n}": p for n, p in net.named_parameters()}
    weights = {n: N(p) for n, p in names.items()}
    leaves = {"x": x} | names
    F.add("lstm/from_zeros", {"x": N(x)}, {"weights": weights, "layers": 2, "width": 4}, scored(net(x)[0], leaves), "torch", "nn.LSTM, gates in the order i f g o", rel=1e-9, ab=1e-11, note=NOTE)
    out, (hn, cn) = net(x, (h, c))
    F.add("lstm/from_state", {"x": N(x), "h": N(h), "c": N(c)}, {"weights": weights, "layers": 2, "width": 4}, scored(torch.cat([out.flatten(), hn.flatten(), cn.flatten()]), leaves | {"h": h, "c": c}), "torch", "nn.LSTM; out is outputs, last h, last c one after the other; h and c are [layers, b, width]", rel=1e-9, ab=1e-11, note=NOTE)


def transformer(F, rng):
    width, heads, hidden = 4, 2, 6
    net = torch.nn.Transformer(width, heads, 2, 1, hidden, dropout=0., activation="relu", batch_first=True); rounded(rng, net); net.train()
    source, target = (T(r6(rng.normal(size=s), 3)).requires_grad_() for s in ((2, 5, width), (2, 3, width)))
    out = net(source, target)
    g = torch.cos(torch.arange(out.numel(), dtype=torch.float64)).reshape(out.shape)
    (out * g).sum().backward()
    ex = {"out": N(out), "grad.source": N(source.grad), "grad.target": N(target.grad)}; weights = {}
    for name, p in net.named_parameters():
        side, *rest = name.split("."); stem = "t." + (f"{side}.{rest[1]}." if rest[0] == "layers" else f"{side}_norm.")
        tail = ".".join(rest[2:] if rest[0] == "layers" else rest[1:])
        tail = tail.replace("self_attn.", "attention.").replace("multihead_attn.", "to_memory.").replace("out_proj.", "out.")
        if "in_proj_" in tail:  # queries, keys and values lie one below the other
            for part, q, d in zip(("query", "key", "value"), N(p).reshape(3, width, *p.shape[1:]), N(p.grad).reshape(3, width, *p.shape[1:])):
                n = stem + tail.replace("in_proj_", part + "."); weights[n] = q; ex["grad." + n] = d
        else:
            weights[stem + tail] = N(p); ex["grad." + stem + tail] = N(p.grad)
    F.add("transformer", {"source": N(source), "target": N(target)}, {"weights": weights, "width": width, "heads": heads, "encoder_layers": 2, "decoder_layers": 1, "hidden": hidden}, ex, "torch", "nn.Transformer, post-norm, no masks, last norms", rel=1e-9, ab=1e-11, note=NOTE)


def window_attention(x, w, heads, win, shift):
    """Windows of a cyclically moved image; a pair is hidden where its pixels come from different parts of the image"""
    b, c, h, wd = x.shape; d = c // heads
    q = TF.conv2d(x, w["projections.weight"], w["projections.bias"])
    cut = lambda t: t.unfold(2, win, win).unfold(3, win, win).permute(0, 2, 3, 4, 5, 1).flatten(3, 4)  # b, down, across, win^2, c
    part = torch.zeros(1, 1, h, wd)
    if shift:
        q = torch.roll(q, (-shift, -shift), (2, 3))
        edges = lambda size: (slice(0, size - win), slice(size - win, size - shift), slice(size - shift, size))
        for i, ys in enumerate(edges(h)):
            for j, xs in enumerate(edges(wd)): part[:, :, ys, xs] = 3 * i + j
    t = cut(q); n = t.shape[-2]
    q, k, v = t.reshape(*t.shape[:-1], 3, heads, d).permute(4, 0, 1, 2, 5, 3, 6)  # b, down, across, heads, n, d
    ids = cut(part)[..., 0]
    hidden = torch.where(ids[..., :, None] == ids[..., None, :], 0., -torch.inf)[:, :, :, None]
    at = torch.stack(torch.meshgrid(torch.arange(win), torch.arange(win), indexing="ij")).flatten(1)
    away = at[:, :, None] - at[:, None] + win - 1
    bias = w["relative_bias"][away[0] * (2 * win - 1) + away[1]].permute(2, 0, 1)
    y = TF.scaled_dot_product_attention(q, k, v, attn_mask=hidden + bias)
    y = y.permute(0, 1, 2, 4, 3, 5).reshape(b, h // win, wd // win, win, win, c).permute(0, 5, 1, 3, 2, 4).reshape(b, c, h, wd)
    if shift: y = torch.roll(y, (shift, shift), (2, 3))
    return TF.conv2d(y, w["out.weight"], w["out.bias"])


def swin(F, rng):
    channels, width, head, win, widening, groups = 2, 4, 2, 4, 2, 2
    shapes = {"s.enter": (width, channels), "s.leave": (channels, width)}
    for i in range(2): shapes |= {f"s.{i}.attention.projections": (3 * width, width), f"s.{i}.attention.out": (width, width), f"s.{i}.widen": (widening * width, width), f"s.{i}.narrow": (width, widening * width)}
    r = lambda *s: T(r6(rng.normal(size=s) * .5, 3)).requires_grad_()
    w = {}
    for name, (o, i) in shapes.items(): w[name + ".weight"], w[name + ".bias"] = r(o, i, 1, 1), r(o)
    for i in range(2):
        w[f"s.{i}.attention.relative_bias"] = r((2 * win - 1) ** 2, width // head)
        for n in ("norm1", "norm2"): w[f"s.{i}.{n}.weight"], w[f"s.{i}.{n}.bias"] = r(width), r(width)
    x = T(r6(rng.normal(size=(1, channels, 8, 12)), 3)).requires_grad_()
    y = TF.conv2d(x, w["s.enter.weight"], w["s.enter.bias"])
    for i in range(2):
        own = {n.removeprefix(f"s.{i}.attention."): t for n, t in w.items() if n.startswith(f"s.{i}.attention.")}
        norm = lambda n: TF.group_norm(y, groups, w[f"s.{i}.{n}.weight"], w[f"s.{i}.{n}.bias"])
        y = y + window_attention(norm("norm1"), own, width // head, win, win // 2 if i else 0)
        wide = TF.gelu(TF.conv2d(norm("norm2"), w[f"s.{i}.widen.weight"], w[f"s.{i}.widen.bias"]))
        y = y + TF.conv2d(wide, w[f"s.{i}.narrow.weight"], w[f"s.{i}.narrow.bias"])
    y = TF.conv2d(y, w["s.leave.weight"], w["s.leave.bias"])
    sizes = {"channels": channels, "width": width, "head_width": head, "window": win, "depth": 2, "widening": widening, "groups": groups}
    F.add("swin", {"x": N(x)}, {"weights": {n: N(t) for n, t in w.items()}} | sizes, scored(y, {"x": x} | w), "torch", "Liu et al. 2021, windows plain and shifted: roll, unfold, scaled_dot_product_attention with bias and mask, group_norm, gelu", rel=1e-9, ab=1e-11, note=NOTE)


def run(seed, out):
    F = Fam("nn_blocks", seed, "Blocks of networks in float64 (torch CPU), with the gradients of their inputs and parameters. Parameters have the library's names.")
    for number, part in enumerate((lstm, transformer, swin)): part(F, np.random.default_rng(seed + 100 + number))
    F.save(out)
if __name__ == "__main__":
    import sys; run(int(sys.argv[1]), sys.argv[2])
