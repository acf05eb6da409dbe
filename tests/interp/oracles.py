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
