"""Archives of pictures in tests: as people send them, and as nobody should."""

import hashlib
import io
import stat
import zipfile

import numpy as np
from PIL import Image

from atlas.services import datasets
from tests.api.uploading import ABSENT, closed, part

LINK = (stat.S_IFLNK | 0o777) << 16
PIPE = (stat.S_IFIFO | 0o644) << 16


def picture(seed=0, form="PNG", size=(12, 16), **more):
    """The bytes of a picture that no other seed has."""
    random = np.random.Generator(np.random.Philox(seed))
    drawn = Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8))
    data = io.BytesIO()
    drawn.save(data, form, **more)
    return data.getvalue()


def archive(files, *, mode=None, **more):
    """A ZIP archive of these files; a list of pairs may repeat a name, `mode` is of the last one."""
    data = io.BytesIO()
    pairs = list(files.items() if isinstance(files, dict) else files)
    with zipfile.ZipFile(data, "w", **more) as packed:
        for place, (name, content) in enumerate(pairs, start=1):
            info = zipfile.ZipInfo(name)
            info.compress_type = more.get("compression", zipfile.ZIP_DEFLATED)
            if mode is not None and place == len(pairs):
                info.create_system, info.external_attr = 3, mode
            packed.writestr(info, content)
    return data.getvalue()


def form(*more, pictures=None, labels=None, **fields):
    """The body of an upload that would be accepted, but for what is said otherwise; ABSENT leaves a part out."""
    given = {"slug": "photos", "title": "Photographs", **fields}
    sent = SMALL if pictures is None else pictures
    parts = [part(name, value) for name, value in given.items() if value is not ABSENT]
    parts += [] if sent is ABSENT else [part("pictures", sent, filename="photos.zip")]
    parts += [] if labels is None else [part("labels", labels, filename="labels.csv")]
    return closed(*parts, *more)


def dataset_of(slug="seen", *, team=None, visibility="public", size=2):
    """A dataset of rows, without a picture."""
    names = [f"{slug} {number}" for number in range(size)]
    items = [datasets.Item(hashlib.sha256(it.encode()).hexdigest(), it, place % 2) for place, it in enumerate(names)]
    return datasets.register(
        actor=None, slug=slug, items=items, kind="images", title=f"As {slug}", licence="CC0-1.0",
        labels=["cat", "dog"], team=team, visibility=visibility,
    )  # fmt: skip


GOOD = {"one.png": picture(1), "two.jpg": picture(2, "JPEG"), "deep/three.webp": picture(3, "WEBP", lossless=True)}
TABLE = "file,index,words\none.png,1,dog\ntwo.jpg,0,cat\n"
SMALL = archive({"one.png": GOOD["one.png"]})
