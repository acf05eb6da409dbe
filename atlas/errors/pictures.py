"""What can be wrong with a picture that somebody sends."""

from atlas.errors.pattern import AtlasError


class ImageFormat(AtlasError):
    """This is no picture that is taken here: send PNG, JPEG or WebP."""

    status = 415


class ImageTypeMismatch(AtlasError):
    """This was sent as {declared}, and it is {found}."""

    status = 415


class ImageTooManyPixels(AtlasError):
    """The picture has {pixels} pixels; at most {most} are taken."""

    status = 413


class ImageDimensions(AtlasError):
    """The picture is {width} by {height} pixels; no side may have more than {most}."""


class ImageAnimated(AtlasError):
    """The picture has {frames} frames; send the one that is meant."""


class ImageTruncated(AtlasError):
    """The picture ends before it is complete."""


class ImageCorrupt(AtlasError):
    """The picture cannot be read: it does not hold what its format says."""


class ImageResource(AtlasError):
    """The picture takes more time or memory to read than any picture here may."""
