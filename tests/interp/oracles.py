"""Slow truths, each a few obvious lines of plain torch or arithmetic, written without the code that they judge."""

import math

import numpy as np
import torch
import torch.nn.functional as F


class Redirecting(torch.autograd.Function):
    """A ReLU for one sample that passes on what would lift its inputs where it would pass on nothing at all."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        passed = torch.where(x > 0, gradient, 0.0)
        if bool((passed != 0).any()):
            return passed
        return torch.where((x > 0) | (gradient > 0), gradient, 0.0)


def ascent(objective, start, *, size, decay, decorrelate, draws, canvas, rate, redirected):
    """Gradient ascent as a textbook has it, for one picture: yields value and gradient of every step, and the spectrum.

    `objective(image, relu)` maps [1, 3, canvas, canvas] to a number; `draws` holds one transform for each step.
    """
    spectrum = start.clone().requires_grad_()
    adam = torch.optim.Adam([spectrum], lr=rate, maximize=True)
    for step, drawn in enumerate(draws, 1):
        adam.zero_grad()
        image = moved(picture(spectrum, size=size, decay=decay, decorrelate=decorrelate), drawn, canvas=canvas)
        value = objective(image, Redirecting.apply if step <= redirected else torch.relu)
        value.backward()
        yield value.detach(), spectrum.grad.clone()
        adam.step()
    yield None, spectrum.detach()


def picture(spectrum, *, size, decay=1.0, decorrelate=True):
    """Lucid's `fft_image` and `to_valid_rgb`, written out: [1, 3, S, S // 2 + 1, 2] to [1, 3, S, S]."""
    vertical = [k / size if k < (size + 1) // 2 else (k - size) / size for k in range(size)]
    horizontal = [k / size for k in range(size // 2 + 1)]
    scale = [[math.sqrt(size * size) / max(math.hypot(f, g), 1 / size) ** decay for g in horizontal] for f in vertical]
    waves = torch.complex(spectrum[..., 0], spectrum[..., 1]) * torch.tensor(scale, dtype=spectrum.dtype)
    flat = torch.fft.irfft2(waves, s=(size, size)) / 4
    if decorrelate:
        root = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
        mixed = torch.tensor(root / np.linalg.norm(root, axis=0).max(), dtype=spectrum.dtype)
        flat = (flat.permute(0, 2, 3, 1) @ mixed.T).permute(0, 3, 1, 2)
    return 1 / (1 + torch.exp(-flat))


def moved(image, drawn, *, canvas):
    """One affine resampling: first shift, scaling, turn, second shift, each a matrix, on a grey canvas."""
    turn = math.radians(drawn.angle)
    first, second = (affine([1, 0, -right], [0, 1, -down]) for right, down in (drawn.first, drawn.second))
    scaled = affine([drawn.scale, 0, 0], [0, drawn.scale, 0])
    turned = affine([math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0])
    forward = second @ turned @ scaled @ first
    back = torch.linalg.inv(forward)  # from canvas pixels to picture pixels, both from their centres
    size = image.shape[-1]
    theta = back[:2].clone()
    theta[:, :2] *= canvas / size
    theta[:, 2] *= 2 / size
    grid = F.affine_grid(theta[None].to(image), [1, 3, canvas, canvas], align_corners=False)
    return F.grid_sample(image - 0.5, grid, padding_mode="zeros", align_corners=False) + 0.5


def affine(across, down):
    """A map of the plane as a 3 × 3 matrix."""
    return torch.tensor([across, down, [0, 0, 1]], dtype=torch.float64)


def curve_circuit(tensors, image, relu=torch.relu):
    """The organism's network, every value by name; `image` in [0, 1], tensors in any precision."""
    wide = {name: tensor.to(image) for name, tensor in tensors.items()}
    gabor = F.conv2d((image - 0.5) / 0.5, wide["gabor.weight"], stride=2, padding=3)
    line = F.conv2d(relu(gabor), wide["line.weight"], wide["line.bias"], padding=2)
    curve = F.conv2d(relu(line), wide["curve.weight"], wide["curve.bias"], padding=4)
    found = {"gabor": gabor, "line": line, "curve": curve}
    if curve.shape[-1] == 32:
        found["readout"] = relu(curve).amax((2, 3)) @ wide["readout.weight"].T
    return found


def receptive_field(gradient):
    """First row and column, and height and width, of what a gradient [3, H, W] touches."""
    rows, columns = (torch.nonzero(gradient.abs().sum((0, axis))).flatten() for axis in (2, 1))
    first = int(rows[0]), int(columns[0])
    return first, (int(rows[-1]) - first[0] + 1, int(columns[-1]) - first[1] + 1)


def orientation(grey):
    """Degrees (0 … 180, counter-clockwise, y upwards) along which the stripes of a picture [H, W] run.

    The direction of the power spectrum: the mean over all waves of twice their angle. A picture made of a spectrum is
    periodic, so that no window is needed.
    """
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    up, right = -np.fft.fftfreq(grey.shape[0])[:, None], np.fft.fftfreq(grey.shape[1])[None]
    angle = np.arctan2(up, right)  # of the wave, across its stripes
    across = 0.5 * math.atan2((power * np.sin(2 * angle)).sum(), (power * np.cos(2 * angle)).sum())
    return (math.degrees(across) + 90) % 180


def difference(first, second):
    """Degrees between two orientations, 0 … 90."""
    return abs((first - second + 90) % 180 - 90)


def linearised(graph, tensors, given):
    """Every value of a graph, `given` ones apart, with every ReLU open and max-pooling as average-pooling."""
    known = dict(given)
    for node in graph:
        if node.name in known:
            continue
        inputs, have = [known[name] for name in node.inputs], node.attributes
        wide = {word: tensors[name].double() for word, name in node.tensors.items()}
        if node.op == "conv2d":
            known[node.name] = F.conv2d(*inputs, wide["weight"], wide.get("bias"), **have)
        elif node.op == "linear":
            known[node.name] = F.linear(*inputs, wide["weight"], wide.get("bias"))
        elif node.op == "batch_norm":
            moments = wide["running_mean"], wide["running_var"]
            known[node.name] = F.batch_norm(*inputs, *moments, wide.get("weight"), wide.get("bias"), eps=have["eps"])
        elif node.op in ("max_pool", "avg_pool"):
            assert have.get("dilation", (1, 1)) == (1, 1)
            known[node.name] = F.avg_pool2d(*inputs, have["kernel_size"], have["stride"], have["padding"])
        elif node.op == "adaptive_avg_pool":
            known[node.name] = F.adaptive_avg_pool2d(*inputs, have["output_size"])
        elif node.op == "local_response_norm":
            known[node.name] = inputs[0] * have["k"] ** -have["beta"]
        elif node.op == "concat":
            known[node.name] = torch.cat(inputs, 1)
        elif node.op == "add":
            known[node.name] = sum(inputs)
        elif node.op == "flatten":
            known[node.name] = inputs[0].flatten(1)
        elif node.op == "scale":
            known[node.name] = inputs[0] * wide["weight"]
        elif node.op == "chunk":
            known[node.name] = inputs[0].chunk(have["chunks"], 1)[have["index"]]
        elif node.op == "channel_shuffle":
            known[node.name] = F.channel_shuffle(inputs[0], have["groups"])
        elif node.op == "pad":
            known[node.name] = F.pad(inputs[0], (*have["width"], *have["height"], *have["channels"]))
        else:
            assert node.op == "relu", node.op
            known[node.name] = inputs[0]
    return known


def jacobian(graph, tensors, *, targets, source, sizes):
    """∂ target / ∂ source of the linearised network, by autograd, one unit at a time, at the middle of a map.

    `targets` are the nodes that hold the target side by side, `sizes` the shape of every value. Yields for each unit
    the middle position and the gradient [C, H, W].
    """
    picture = torch.zeros(sizes[graph.input], dtype=torch.float64)
    value = torch.zeros(sizes[source], dtype=torch.float64, requires_grad=True)
    known = linearised(graph, tensors, {graph.input: picture, source: value})
    for node in targets:
        middle = tuple(length // 2 for length in known[node].shape[2:])
        for unit in range(known[node].shape[1]):
            at = known[node][(0, unit, *middle)]
            reached = at.requires_grad
            gradient = torch.autograd.grad(at, value, retain_graph=True)[0] if reached else torch.zeros_like(value)
            yield middle or (0, 0), gradient[0]


def bounds(first, second):
    """Of two kernels [o, b, k, k] and [b, i, k, k] in a row, stride 1, with free gates between: for each entry the
    largest and the smallest sum that any choice of gates gives. Written as loops over single weights.
    """
    out, _, far, _ = first.shape
    size = far + second.shape[2] - 1
    most, least = np.zeros((2, out, second.shape[1], size, size))
    for o, b, y, x in np.ndindex(*first.shape):
        for i, v, u in np.ndindex(*second.shape[1:]):
            product = float(first[o, b, y, x] * second[b, i, v, u])
            most[o, i, y + v, x + u] += max(0.0, product)
            least[o, i, y + v, x + u] += min(0.0, product)
    return most, least


def multiplicative(values, *, rank, steps):
    """How near non-negative factors come by the updates of Lee & Seung (2001), the best of five random starts."""
    best = math.inf
    for seed in range(5):
        random = np.random.Generator(np.random.Philox(seed))
        left, right = random.random((len(values), rank)), random.random((rank, values.shape[1]))
        for _ in range(steps // 5):
            right *= (left.T @ values) / (left.T @ left @ right + 1e-12)
            left *= (values @ right.T) / (left @ right @ right.T + 1e-12)
        best = min(best, float(np.linalg.norm(values - left @ right)))
    return best
